import { Fault, messageOf } from '@holdfast/kernel'
import { CircleAlert, RotateCw } from 'lucide-react'
import { Button } from './button.tsx'

/** What went wrong, in the server's words, with its code for those who must look further. */
export function FaultNote({ fault, retry }: { fault: unknown; retry?: () => void }) {
  const known = fault instanceof Fault ? fault : undefined
  return (
    <div
      role="alert"
      className="flex items-start gap-2.5 rounded-md border border-failing/30 bg-failing-soft px-3 py-2 text-sm"
    >
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-failing" />
      <div className="min-w-0 flex-1">
        <p className="break-words text-ink">{sentence(messageOf(fault))}</p>
        {known && (
          <p className="text-xs text-muted">
            <code>{known.code}</code>
            {known.at !== undefined && <> · at {known.at}</>}
            {known.retryAfter !== undefined && <> · try again in {known.retryAfter} s</>}
          </p>
        )}
      </div>
      {retry && (
        <Button size="small" icon={RotateCw} onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  )
}

export function sentence(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1)
}
