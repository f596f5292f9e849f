import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { useEnter } from './enter.ts'
import { Frame, secretOfLink } from './frame.tsx'

export function SetupPage() {
  const enter = useEnter()
  const [secret] = useState(secretOfLink)
  const state = useQuery(ask.setupState())
  if (state.data?.waiting === false) {
    return (
      <Frame title="Already set up" lead="This installation has its first owner; the set-up link works once.">
        <Link to="/sign-in" className="link w-fit">
          Sign in
        </Link>
      </Frame>
    )
  }
  if (secret === '') {
    return (
      <Frame
        title="Set-up link needed"
        lead="Open the one-time link that the server printed when it started. Its last part, after the #, is the secret that lets you in."
      >
        <p className="text-muted">
          The link is lost? Stop the server and start it again: as long as nobody has set it up, it prints a new one.
        </p>
      </Frame>
    )
  }
  async function send(data: FormData): Promise<void> {
    const me = await client.session.setup({
      body: {
        secret,
        organisation: text(data, 'organisation'),
        name: text(data, 'name'),
        email: text(data, 'email'),
        password: String(data.get('password') ?? ''),
      },
    })
    await enter(me)
  }
  return (
    <Frame title="Set up Holdfast" lead="You become the first owner. There is no default password; choose your own.">
      <Form send={send} submit="Set up">
        <Field
          name="organisation"
          label="Organisation"
          required
          maxLength={256}
          autoComplete="organization"
          autoFocus
        />
        <Field name="name" label="Your name" required maxLength={256} autoComplete="name" />
        <Field name="email" label="E-mail" type="email" required autoComplete="username" />
        <Field
          name="password"
          label="Password"
          type="password"
          required
          minLength={12}
          autoComplete="new-password"
          hint="At least 12 characters; a few words are good."
        />
      </Form>
    </Frame>
  )
}
