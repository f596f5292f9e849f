import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Check, Rocket, SquareStack, Tag, X } from 'lucide-react'
import { useState } from 'react'
import { useAct, useRefresh } from '../../api/act.ts'
import { client, type Device } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Choice, Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { plural } from '../../ui/format.ts'

const most = 1_000

/** What can be done with the chosen devices. */
export function BulkBar({ chosen, onDone }: { chosen: readonly Device[]; onDone: () => void }) {
  const may = useMay()
  const act = useAct()
  const navigate = useNavigate()
  const [asking, setAsking] = useState<'group' | 'tag'>()
  const acceptable = chosen.filter((device) => device.state === 'pending' || device.state === 'rejected')
  if (chosen.length === 0) return null
  async function accept(): Promise<void> {
    await act(
      () => client.devices.accept({ body: { devices: acceptable.slice(0, most).map((device) => device.id) } }),
      ['devices'],
      `${plural(acceptable.length, 'device')} accepted`,
    )
    onDone()
  }
  return (
    <section
      aria-label="Chosen devices"
      className="flex flex-wrap items-center gap-2 rounded-md bg-accent-soft px-3 py-1.5"
    >
      <span className="numbers font-medium">{plural(chosen.length, 'device')} chosen</span>
      <span className="ml-auto flex flex-wrap gap-1.5">
        {may('devices.accept') && acceptable.length > 0 && (
          <Button size="small" look="primary" icon={Check} onClick={() => void accept()}>
            Accept {acceptable.length}
          </Button>
        )}
        {may('devices.manage') && (
          <>
            <Button size="small" icon={SquareStack} onClick={() => setAsking('group')}>
              Add to group
            </Button>
            <Button size="small" icon={Tag} onClick={() => setAsking('tag')}>
              Tag
            </Button>
          </>
        )}
        {may('deployments.create') && chosen.length <= 100 && (
          <Button
            size="small"
            icon={Rocket}
            onClick={() =>
              void navigate({ to: '/deployments/new', search: { device: chosen.map((device) => device.id).join(',') } })
            }
          >
            Deploy to them
          </Button>
        )}
        <IconButton name="Choose none" icon={X} size="tiny" onClick={onDone} />
      </span>
      <AddToGroup open={asking === 'group'} onClose={() => setAsking(undefined)} chosen={chosen} onDone={onDone} />
      <AddTag open={asking === 'tag'} onClose={() => setAsking(undefined)} chosen={chosen} onDone={onDone} />
    </section>
  )
}

interface AskProps {
  open: boolean
  onClose: () => void
  chosen: readonly Device[]
  onDone: () => void
}

function AddToGroup({ open, onClose, chosen, onDone }: AskProps) {
  const groups = useQuery({ ...ask.groups(), enabled: open })
  const refresh = useRefresh()
  const fixed = groups.data?.items.filter((group) => group.kind === 'static') ?? []
  async function send(data: FormData): Promise<void> {
    const name = text(data, 'name')
    const group = name === '' ? text(data, 'group') : (await client.devices.createGroup({ body: { name } })).id
    const { added } = await client.devices.changeMembers({
      params: { group },
      body: { add: chosen.slice(0, most).map((device) => device.id) },
    })
    await refresh(['groups', 'devices'], `${plural(added, 'device')} added`)
    onDone()
  }
  return (
    <Dialog open={open} onClose={onClose} title={`Add ${plural(chosen.length, 'device')} to a group`}>
      <Form send={send} done={onClose} submit="Add" onCancel={onClose}>
        {fixed.length > 0 && (
          <Choice name="group" label="Group">
            {fixed.map((group) => (
              <option key={group.id} value={group.id}>
                {group.name}
              </option>
            ))}
          </Choice>
        )}
        <Field
          name="name"
          label="New group"
          optional={fixed.length > 0}
          required={fixed.length === 0}
          maxLength={256}
          hint={fixed.length > 0 ? 'Give a name to make a new group instead.' : undefined}
        />
      </Form>
    </Dialog>
  )
}

function AddTag({ open, onClose, chosen, onDone }: AskProps) {
  const refresh = useRefresh()
  async function send(data: FormData): Promise<void> {
    const tag = text(data, 'tag')
    for (const device of chosen) {
      if (device.tags.includes(tag)) continue
      await client.devices.change({ params: { device: device.id }, body: { tags: [...device.tags, tag] } })
    }
    await refresh(['devices'], `${plural(chosen.length, 'device')} tagged ${tag}`)
    onDone()
  }
  return (
    <Dialog open={open} onClose={onClose} title={`Tag ${plural(chosen.length, 'device')}`}>
      <Form send={send} done={onClose} submit="Tag" onCancel={onClose}>
        <Field
          name="tag"
          label="Tag"
          required
          maxLength={64}
          pattern="[\w.:@\/\-]+"
          hint="Letters, digits and . : @ / - _"
          autoFocus
          mono
        />
      </Form>
    </Dialog>
  )
}
