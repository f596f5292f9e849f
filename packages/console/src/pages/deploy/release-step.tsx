import { useInfiniteQuery } from '@tanstack/react-query'
import { Package } from 'lucide-react'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { LinkButton } from '../../ui/button.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Ago } from '../../ui/time.tsx'
import { SignatureCount } from '../releases/signature.tsx'
import type { Draft } from './draft.ts'

export interface StepProps {
  draft: Draft
  onChange: (part: Partial<Draft>) => void
}

export function ReleaseStep({ draft, onChange }: StepProps) {
  const pages = useInfiniteQuery(ask.releases({ state: 'released' }))
  return (
    <Asked of={pages} lines={4}>
      {(answer) => {
        const items = answer.pages.flatMap((page) => page.items)
        if (items.length === 0) {
          return (
            <Empty
              icon={Package}
              title="Nothing is released yet"
              action={<LinkButton to="/releases">Releases</LinkButton>}
            >
              Upload a signed artifact and release it; then it can be deployed.
            </Empty>
          )
        }
        return (
          <fieldset className="grid gap-1.5">
            <legend className="sr-only">Release</legend>
            {items.map((release) => (
              <label
                key={release.id}
                className="flex min-h-11 cursor-pointer flex-wrap items-center gap-x-3 gap-y-1 rounded-md border border-line px-3 py-1.5 hover:bg-raised/60 has-checked:border-accent has-checked:bg-accent-soft"
              >
                <input
                  type="radio"
                  name="release"
                  className="size-4 accent-accent"
                  checked={release.id === draft.release}
                  onChange={() => onChange({ release: release.id })}
                />
                <span className="font-medium">{release.product.name}</span>
                <span className="font-mono text-xs">{release.version}</span>
                <SignatureCount of={release} />
                <span className="min-w-0 flex-1 truncate text-muted max-sm:hidden">{release.notes.split('\n')[0]}</span>
                <span className="text-xs text-muted">
                  <Ago at={release.releasedAt} />
                </span>
              </label>
            ))}
          </fieldset>
        )
      }}
    </Asked>
  )
}
