import { Fault } from '@holdfast/kernel'
import { type PublicKeyCredentialRequestOptionsJSON, startAuthentication } from '@simplewebauthn/browser'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { Fingerprint, LogIn } from 'lucide-react'
import { useState } from 'react'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Button } from '../../ui/button.tsx'
import { FaultNote } from '../../ui/fault-note.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { useEnter } from './enter.ts'
import { Frame } from './frame.tsx'

type Needs = readonly ('totp' | 'passkey')[]

export function SignInPage() {
  const { next } = useSearch({ from: '/sign-in' })
  const enter = useEnter()
  const [given, setGiven] = useState<{ email: string; password: string }>()
  const [needs, setNeeds] = useState<Needs>([])
  const [fault, setFault] = useState<unknown>()
  const state = useQuery(ask.setupState())

  async function attempt(email: string, password: string, code?: string): Promise<void> {
    const answer = await client.session.signIn({ body: { email, password, ...(code === undefined ? {} : { code }) } })
    if (answer.done) return enter(answer.me, next)
    setGiven({ email, password })
    setNeeds(answer.needs)
  }
  async function withPasskey(): Promise<void> {
    setFault(undefined)
    try {
      enter(await passkeySignIn(), next)
    } catch (thrown) {
      setFault(thrown)
    }
  }
  async function withSso(provider: string): Promise<void> {
    try {
      const { redirect } = await client.session.startSso({ params: { provider } })
      window.location.assign(redirect)
    } catch (thrown) {
      setFault(thrown)
    }
  }

  if (given !== undefined) {
    return (
      <Frame title="Second factor" lead={`${given.email} is protected by a second factor.`}>
        {needs.includes('totp') && (
          <Form
            send={(data) => attempt(given.email, given.password, text(data, 'code'))}
            submit="Go on"
            onCancel={() => setGiven(undefined)}
          >
            <Field
              name="code"
              label="One-time code"
              inputMode="numeric"
              autoComplete="one-time-code"
              required
              maxLength={16}
              autoFocus
              mono
              hint="From your authenticator, or a recovery code."
            />
          </Form>
        )}
        {fault !== undefined && <FaultNote fault={fault} />}
        {needs.includes('passkey') && (
          <Button icon={Fingerprint} onClick={() => void withPasskey()}>
            Use a passkey
          </Button>
        )}
      </Frame>
    )
  }
  return (
    <Frame
      title="Sign in"
      lead={
        state.data?.waiting === true
          ? 'Nobody has set up this installation yet: open the link that the server printed.'
          : undefined
      }
    >
      <Form send={(data) => attempt(text(data, 'email'), String(data.get('password') ?? ''))} submit="Sign in">
        <Field name="email" label="E-mail" type="email" required autoComplete="username webauthn" autoFocus />
        <Field name="password" label="Password" type="password" required autoComplete="current-password" />
      </Form>
      {fault !== undefined && <FaultNote fault={fault} />}
      <div className="grid gap-2 border-t border-line pt-4">
        <Button icon={Fingerprint} onClick={() => void withPasskey()}>
          Use a passkey
        </Button>
        {state.data?.sso.map((provider) => (
          <Button key={provider.id} icon={LogIn} onClick={() => void withSso(provider.id)}>
            Continue with {provider.name}
          </Button>
        ))}
      </div>
    </Frame>
  )
}

async function passkeySignIn() {
  const options = await client.session.startPasskeySignIn()
  try {
    // The browser checks the options' shape; the protocol passes them through whole.
    const response = await startAuthentication({
      optionsJSON: options as unknown as PublicKeyCredentialRequestOptionsJSON,
    })
    return await client.session.passkeySignIn({ body: { response: { ...response } } })
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
    throw new Fault('refused', 'console.passkey_cancelled', 'no passkey was used', { cause: thrown })
  }
}
