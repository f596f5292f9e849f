import { useRefresh } from '../../api/act.ts'
import { client, type Release } from '../../api/client.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { Area, Field } from '../../ui/field.tsx'
import { Form, lines, text } from '../../ui/form.tsx'

export function EditRelease({ open, onClose, of: release }: { open: boolean; onClose: () => void; of: Release }) {
  const refresh = useRefresh()
  async function send(data: FormData): Promise<void> {
    await client.releases.change({
      params: { release: release.id },
      body: { notes: text(data, 'notes'), tags: lines(data, 'tags') },
    })
    await refresh(['releases'], 'Release changed')
  }
  return (
    <Dialog open={open} onClose={onClose} title={`Notes and tags of ${release.version}`}>
      <Form send={send} done={onClose} submit="Change" onCancel={onClose}>
        <Area name="notes" label="Notes" rows={6} defaultValue={release.notes} optional maxLength={10_000} />
        <Field name="tags" label="Tags" defaultValue={release.tags.join(', ')} optional hint="Separated by commas." />
      </Form>
    </Dialog>
  )
}
