import { useState } from 'react'
import { client } from '../../api/client.ts'
import { Field } from '../../ui/field.tsx'
import { Form, optionalText } from '../../ui/form.tsx'
import { useEnter } from './enter.ts'
import { Frame, secretOfLink } from './frame.tsx'

export function InvitationPage() {
  const enter = useEnter()
  const [secret] = useState(secretOfLink)
  if (secret === '') {
    return (
      <Frame
        title="Invitation link needed"
        lead="Open the whole link that you were given; its last part, after the #, is the secret."
      >
        <p className="text-muted">Links are valid for a few days; ask for a new one if yours has ended.</p>
      </Frame>
    )
  }
  async function send(data: FormData): Promise<void> {
    const name = optionalText(data, 'name')
    const password = String(data.get('password') ?? '')
    await enter(
      await client.session.acceptInvitation({ body: { secret, password, ...(name === undefined ? {} : { name }) } }),
    )
  }
  return (
    <Frame title="Accept the invitation" lead="Somebody invited you to their organisation.">
      <Form send={send} submit="Join">
        <Field
          name="name"
          label="Your name"
          optional
          maxLength={256}
          autoComplete="name"
          hint="Leave empty if you already have an account here."
          autoFocus
        />
        <Field
          name="password"
          label="Password"
          type="password"
          required
          minLength={12}
          autoComplete="new-password"
          hint="A new one of at least 12 characters, or the one of your account."
        />
      </Form>
    </Frame>
  )
}
