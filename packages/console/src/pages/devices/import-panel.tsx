import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Choice, Field, Tick } from '../../ui/field.tsx'
import { Form, optionalText } from '../../ui/form.tsx'
import { count, plural } from '../../ui/format.ts'
import { Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'

interface Outcome {
  readonly dryRun: boolean
  readonly imported: number
  readonly refused: readonly { line: number; error: string }[]
}

/** A file of many devices: good lines are kept, bad lines are named. */
export function ImportPanel() {
  const [outcome, setOutcome] = useState<Outcome>()
  const products = useQuery(ask.products())
  const refresh = useRefresh()
  async function send(data: FormData): Promise<void> {
    const file = data.get('file')
    if (!(file instanceof File)) return
    const product = optionalText(data, 'product')
    const dryRun = data.get('dryRun') === 'on'
    const answer = await client.devices.importPreauthorised({
      query: {
        format: /\.(jsonl|ndjson|json)$/i.test(file.name) ? 'jsonl' : 'csv',
        dryRun: String(dryRun),
        ...(product === undefined ? {} : { product }),
      },
      body: new Uint8Array(await file.arrayBuffer()),
    })
    setOutcome({ dryRun, ...answer })
    if (!dryRun) await refresh(['devices'], `${plural(answer.imported, 'device')} preauthorised`)
  }
  return (
    <Panel title="Import many" aside="CSV or JSON lines" padded>
      <div className="grid gap-4">
        <Form send={send} submit="Import">
          <Field
            name="file"
            label="File"
            type="file"
            required
            accept=".csv,.jsonl,.ndjson,.json,text/csv"
            hint="CSV: a header line with identity attributes, and optionally name, public_key, tags. JSON lines: an object with identity, publicKey, name, tags."
          />
          <Choice name="product" label="Product" optional>
            <option value="">None given</option>
            {products.data?.items.map((product) => (
              <option key={product.id} value={product.id}>
                {product.name}
              </option>
            ))}
          </Choice>
          <Tick
            name="dryRun"
            label="Only check the file"
            defaultChecked
            hint="Names every bad line and changes nothing."
          />
        </Form>
        {outcome !== undefined && (
          <div role="status" className="grid gap-2">
            <p>
              <strong className="numbers">{count(outcome.imported)}</strong>{' '}
              {outcome.dryRun ? 'would be preauthorised' : 'preauthorised'},{' '}
              <strong className="numbers">{count(outcome.refused.length)}</strong> refused.
            </p>
            {outcome.refused.length > 0 && (
              <Table
                label="Refused lines"
                rows={outcome.refused}
                rowKey={(row) => String(row.line)}
                columns={[
                  { name: 'Line', right: true, cell: (row) => count(row.line) },
                  { name: 'What is wrong', cell: (row) => row.error, className: 'w-full' },
                ]}
              />
            )}
          </div>
        )}
      </div>
    </Panel>
  )
}
