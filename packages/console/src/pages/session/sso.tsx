import { Link, useParams } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { client } from '../../api/client.ts'
import { FaultNote } from '../../ui/fault-note.tsx'
import { Loading } from '../../ui/skeleton.tsx'
import { useEnter } from './enter.ts'
import { Frame } from './frame.tsx'

/** Where the provider sends the browser back to. */
export function SsoPage() {
  const { provider } = useParams({ from: '/sso/$provider' })
  const enter = useEnter()
  const [fault, setFault] = useState<unknown>()
  const begun = useRef(false)
  useEffect(() => {
    // A code works once: development mode runs effects twice.
    if (begun.current) return
    begun.current = true
    client.session
      .finishSso({ params: { provider }, body: { url: window.location.href } })
      .then((me) => enter(me), setFault)
  }, [provider, enter])
  return (
    <Frame title="Signing in">
      {fault === undefined ? (
        <Loading lines={2} />
      ) : (
        <>
          <FaultNote fault={fault} />
          <Link to="/sign-in" className="link w-fit">
            Sign in another way
          </Link>
        </>
      )}
    </Frame>
  )
}
