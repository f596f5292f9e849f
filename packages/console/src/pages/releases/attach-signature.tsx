import { Download } from 'lucide-react'
import { useRefresh } from '../../api/act.ts'
import { type Artifact, client } from '../../api/client.ts'
import { downloadHref } from '../../api/upload.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { Area } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'

interface AttachSignatureProps {
  open: boolean
  onClose: () => void
  release: string
  of: Artifact
}

/** Signing with a key that is elsewhere: take the manifest to the key, bring the signature back. */
export function AttachSignature({ open, onClose, release, of: artifact }: AttachSignatureProps) {
  const refresh = useRefresh()
  const path = `/releases/${release}/artifacts/${encodeURIComponent(artifact.fileName)}/manifest`
  async function send(data: FormData): Promise<void> {
    await client.releases.attachSignature({
      params: { release, fileName: artifact.fileName },
      body: { signature: text(data, 'signature') },
    })
    await refresh(['releases'], 'Signature attached')
  }
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="Attach a signature"
      description={`${artifact.fileName}: the key stays where it is, only the signature comes here.`}
    >
      <Form send={send} done={onClose} submit="Attach" onCancel={onClose}>
        <ol className="grid list-decimal gap-2 pl-5 marker:text-muted">
          <li>
            <a href={downloadHref(path)} download="manifest" className="link inline-flex min-h-6 items-center gap-1.5">
              <Download aria-hidden className="size-4" />
              Download the bytes that it covers
            </a>
          </li>
          <li>Sign them where the key is.</li>
          <li>Paste the signature here.</li>
        </ol>
        <Area name="signature" label="Signature (base64)" rows={4} required mono maxLength={20_000} />
      </Form>
    </Dialog>
  )
}
