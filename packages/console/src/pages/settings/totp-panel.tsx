import { toDataURL } from 'qrcode'
import { useEffect, useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { useMe } from '../../app/session.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { Panel } from '../../ui/page.tsx'
import { tellFault } from '../../ui/toast.tsx'

export function TotpPanel() {
  const me = useMe()
  const refresh = useRefresh()
  const [begun, setBegun] = useState<{ secret: string; uri: string }>()
  const [codes, setCodes] = useState<readonly string[]>()
  const [removing, setRemoving] = useState(false)
  async function begin(): Promise<void> {
    try {
      setBegun(await client.session.startTotp())
    } catch (thrown) {
      tellFault(thrown)
    }
  }
  async function confirm(data: FormData): Promise<void> {
    const { recoveryCodes } = await client.session.confirmTotp({ body: { code: text(data, 'code') } })
    setBegun(undefined)
    setCodes(recoveryCodes)
    await refresh(['session', 'people'], 'One-time codes are on')
  }
  return (
    <Panel
      title="One-time codes"
      aside={me.secondFactor.totp ? <Badge tone="holds">On</Badge> : <Badge tone="unproven">Off</Badge>}
      padded
    >
      <div className="grid gap-3">
        <p className="text-muted">A code of an authenticator app, asked for after the password.</p>
        {codes !== undefined && (
          <div role="status" className="grid gap-2 rounded-md bg-unproven-soft p-3">
            <p className="font-medium">Recovery codes: each works once instead of a code. They are shown only now.</p>
            <Copyable value={codes.join('\n')} label="recovery codes" block />
          </div>
        )}
        {me.secondFactor.totp ? (
          <Button className="w-fit" look="danger" onClick={() => setRemoving(true)}>
            Switch off
          </Button>
        ) : begun === undefined ? (
          <Button className="w-fit" onClick={() => void begin()}>
            Set up one-time codes
          </Button>
        ) : (
          <Form send={confirm} submit="Switch on" onCancel={() => setBegun(undefined)}>
            <div className="flex flex-wrap items-center gap-4">
              <QrCode text={begun.uri} />
              <div className="grid min-w-0 flex-1 gap-2">
                <p>Scan this with your authenticator, or type the secret:</p>
                <Copyable value={begun.secret} label="secret" />
              </div>
            </div>
            <Field
              name="code"
              label="The code that it shows"
              inputMode="numeric"
              autoComplete="one-time-code"
              required
              maxLength={16}
              mono
              autoFocus
            />
          </Form>
        )}
      </div>
      <Dialog open={removing} onClose={() => setRemoving(false)} title="Switch one-time codes off">
        <Form
          submit="Switch off"
          look="danger"
          onCancel={() => setRemoving(false)}
          done={() => setRemoving(false)}
          send={async (data) => {
            await client.session.removeTotp({ body: { password: String(data.get('password') ?? '') } })
            setCodes(undefined)
            await refresh(['session', 'people'], 'One-time codes are off')
          }}
        >
          <Field name="password" label="Your password" type="password" required autoComplete="current-password" />
        </Form>
      </Dialog>
    </Panel>
  )
}

/** Drawn in the browser: the secret goes nowhere. */
function QrCode({ text: content }: { text: string }) {
  const [source, setSource] = useState<string>()
  useEffect(() => {
    void toDataURL(content, { margin: 2, width: 336 }).then(setSource)
  }, [content])
  return (
    <img src={source} alt="QR code of the secret" width={168} height={168} className="size-42 rounded-md bg-white" />
  )
}
