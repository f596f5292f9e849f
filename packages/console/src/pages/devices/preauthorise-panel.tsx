import { Fault } from '@holdfast/kernel'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Button } from '../../ui/button.tsx'
import { OneTimeSecret } from '../../ui/copyable.tsx'
import { Area, Choice, Field, Segments, Tick } from '../../ui/field.tsx'
import { Form, optionalText, text } from '../../ui/form.tsx'
import { Panel } from '../../ui/page.tsx'

type Kind = 'mender' | 'hawkbit'

export function PreauthorisePanel() {
  const [kind, setKind] = useState<Kind>('mender')
  const [made, setMade] = useState<{ id: string; targetToken?: string | undefined }>()
  const products = useQuery(ask.products())
  const refresh = useRefresh()
  async function send(data: FormData): Promise<void> {
    const name = optionalText(data, 'name')
    const product = optionalText(data, 'product')
    const publicKey = optionalText(data, 'publicKey')
    const controllerId = optionalText(data, 'controllerId')
    const answer = await client.devices.preauthorise({
      body: {
        identity: kind === 'mender' ? readIdentity(text(data, 'identity')) : { controllerId: controllerId ?? '' },
        ...(name === undefined ? {} : { name }),
        ...(product === undefined ? {} : { product }),
        ...(publicKey === undefined ? {} : { publicKey }),
        ...(controllerId === undefined ? {} : { controllerId }),
        targetToken: data.get('targetToken') === 'on',
      },
    })
    setMade(answer)
    await refresh(['devices'], 'Device preauthorised')
  }
  if (made !== undefined) {
    return (
      <Panel title="Preauthorised" padded>
        <div className="grid gap-3">
          <p>
            The{' '}
            <Link to="/devices/$device" params={{ device: made.id }} className="link">
              device
            </Link>{' '}
            is accepted as soon as it calls with its key or token.
          </p>
          {made.targetToken !== undefined && (
            <OneTimeSecret
              value={made.targetToken}
              label="target token"
              note="Shown once: write it into the device’s configuration now."
            />
          )}
          <Button className="w-fit" onClick={() => setMade(undefined)}>
            Another one
          </Button>
        </div>
      </Panel>
    )
  }
  return (
    <Panel title="Preauthorise one device" aside="known before it first calls" padded>
      <div className="grid gap-4">
        <Segments
          label="Kind of client"
          value={kind}
          onChange={setKind}
          options={[
            { value: 'mender', label: 'mender-client' },
            { value: 'hawkbit', label: 'SWUpdate (DDI)' },
          ]}
        />
        <Form send={send} submit="Preauthorise">
          {kind === 'mender' ? (
            <>
              <Area
                name="identity"
                label="Identity"
                rows={2}
                required
                mono
                placeholder="mac=de:ad:be:ef:00:01"
                hint="What the device sends as its identity data: name=value, one a line."
              />
              <Area
                name="publicKey"
                label="Public key"
                rows={4}
                mono
                optional
                placeholder="-----BEGIN PUBLIC KEY-----"
                hint="Without it, the first key that claims this identity is accepted."
              />
            </>
          ) : (
            <>
              <Field
                name="controllerId"
                label="Controller id"
                required
                maxLength={256}
                mono
                hint="The `id` of its suricatta section."
              />
              <Tick name="targetToken" label="Make a target token" hint="Shown once, after this." defaultChecked />
            </>
          )}
          <Field name="name" label="Name" optional maxLength={256} />
          <Choice name="product" label="Product" optional>
            <option value="">By the device type that it reports</option>
            {products.data?.items.map((product) => (
              <option key={product.id} value={product.id}>
                {product.name}
              </option>
            ))}
          </Choice>
        </Form>
      </div>
    </Panel>
  )
}

export function readIdentity(written: string): Record<string, string> {
  const pairs = written
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line): [string, string] => {
      const mark = line.indexOf('=')
      if (mark < 1) throw new Fault('malformed', 'console.identity', `“${line}” is not name=value`, { at: 'identity' })
      return [line.slice(0, mark).trim(), line.slice(mark + 1).trim()]
    })
  return Object.fromEntries(pairs)
}
