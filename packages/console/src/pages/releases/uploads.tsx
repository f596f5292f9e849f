import { Fault } from '@holdfast/kernel'
import { X } from 'lucide-react'
import { useRef, useState } from 'react'
import { uploadArtifact } from '../../api/upload.ts'
import { IconButton } from '../../ui/button.tsx'
import { bytes, percent } from '../../ui/format.ts'
import { Progress } from '../../ui/progress.tsx'

export interface Upload {
  readonly name: string
  readonly sent: number
  readonly of: number
  readonly state: 'sending' | 'checking' | 'done' | 'refused'
  readonly startedAt: number
  readonly why?: string
}

interface Uploads {
  readonly list: readonly Upload[]
  readonly send: (release: string, file: File) => Promise<void>
  readonly cancel: (name: string) => void
}

/** Uploads in progress, by file name. A refusal is kept in the list and thrown. */
export function useUploads(): Uploads {
  const [list, setList] = useState<readonly Upload[]>([])
  const aborts = useRef(new Map<string, AbortController>())
  function put(upload: Upload): void {
    setList((before) => [...before.filter((one) => one.name !== upload.name), upload])
  }
  async function send(release: string, file: File): Promise<void> {
    const abort = new AbortController()
    aborts.current.set(file.name, abort)
    const base = { name: file.name, of: file.size, startedAt: Date.now() }
    put({ ...base, sent: 0, state: 'sending' })
    try {
      await uploadArtifact(
        release,
        file,
        ({ sent }) =>
          put({ ...base, sent: Math.min(sent, file.size), state: sent >= file.size ? 'checking' : 'sending' }),
        abort.signal,
      )
      put({ ...base, sent: file.size, state: 'done' })
    } catch (thrown) {
      put({ ...base, sent: 0, state: 'refused', why: thrown instanceof Error ? thrown.message : String(thrown) })
      if (thrown instanceof Fault)
        throw new Fault(thrown.kind, thrown.code, `${file.name}: ${thrown.message}`, { cause: thrown })
      throw thrown
    }
  }
  return { list, send, cancel: (name) => aborts.current.get(name)?.abort() }
}

const states = { sending: 'uploading', checking: 'all sent; the server checks it', done: 'stored', refused: 'refused' }

export function UploadList({ of, onCancel }: { of: readonly Upload[]; onCancel: (name: string) => void }) {
  return (
    <ul className="grid gap-2" aria-label="Uploads">
      {of.map((upload) => (
        <li key={upload.name} className="grid gap-1.5 rounded-md border border-line px-3 py-2">
          <div className="flex items-center gap-3">
            <span className="min-w-0 flex-1 truncate font-mono text-xs">{upload.name}</span>
            <span className="numbers text-xs text-muted">
              {bytes(upload.sent)} of {bytes(upload.of)} · {percent(upload.sent, upload.of)}
              {upload.state === 'sending' && rate(upload)}
            </span>
            {upload.state === 'sending' && (
              <IconButton name={`Cancel ${upload.name}`} icon={X} size="tiny" onClick={() => onCancel(upload.name)} />
            )}
          </div>
          <Progress
            done={upload.sent}
            of={upload.of}
            label={`Upload of ${upload.name}`}
            tone={upload.state === 'refused' ? 'failing' : upload.state === 'done' ? 'holds' : 'live'}
          />
          <p className="text-xs text-muted" role="status">
            {states[upload.state]}
            {upload.why !== undefined && `: ${upload.why}`}
          </p>
        </li>
      ))}
    </ul>
  )
}

function rate({ sent, startedAt }: Upload): string {
  const seconds = (Date.now() - startedAt) / 1_000
  return seconds < 1 ? '' : ` · ${bytes(sent / seconds)}/s`
}
