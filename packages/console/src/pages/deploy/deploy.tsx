import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useDeferredValue, useEffect, useRef, useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client, type Release } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Button } from '../../ui/button.tsx'
import { classes } from '../../ui/class-names.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { Field } from '../../ui/field.tsx'
import { plural } from '../../ui/format.ts'
import { Page } from '../../ui/page.tsx'
import { type Draft, newDraft, questionOf } from './draft.ts'
import { PolicyStep } from './policy-step.tsx'
import { PreviewPanel } from './preview-panel.tsx'
import { ReleaseStep } from './release-step.tsx'
import { TargetStep } from './target-step.tsx'

const steps = ['Release', 'Target', 'Phases and policy', 'Review'] as const

/** Four steps; who gets what stands beside them from the moment that it can be known. */
export function DeployPage() {
  const given = useSearch({ from: '/shell/deployments/new' })
  const [draft, setDraft] = useState<Draft>(() => newDraft(given))
  const [step, setStep] = useState(() => (given.release === undefined ? 0 : 1))
  const [asking, setAsking] = useState(false)
  const navigate = useNavigate()
  const refresh = useRefresh()
  const heading = useRef<HTMLHeadingElement>(null)
  const release = useQuery({ ...ask.release(draft.release), enabled: draft.release !== '' })
  const question = questionOf(useDeferredValue(draft))
  const preview = useQuery({
    ...ask.preview(question ?? { release: '', target: { kind: 'devices', devices: [] } }),
    enabled: question !== undefined,
  })
  const name = draft.name ?? suggestedName(release.data)
  const change = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }))
  // A new step takes the focus to its heading; the first one does not.
  const shown = useRef(step)
  useEffect(() => {
    if (shown.current !== step) heading.current?.focus()
    shown.current = step
  }, [step])
  const ready = [
    draft.release !== '',
    question !== undefined,
    question !== undefined,
    question !== undefined && name !== '' && preview.data !== undefined,
  ]
  async function create(): Promise<void> {
    if (question === undefined) return
    const { id, devices } = await client.deployments.create({ body: { ...question, name } })
    await refresh(['deployments'], `Deployed to ${plural(devices, 'device')}`)
    await navigate({ to: '/deployments/$deployment', params: { deployment: id } })
  }
  return (
    <Page title="Deploy a release" up={{ label: 'Deployments', to: '/deployments' }}>
      <Steps current={step} ready={ready} onGo={setStep} />
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <section aria-labelledby="step" className="panel min-w-0">
          <header className="border-b border-line px-4 py-2.5">
            <h2 id="step" ref={heading} tabIndex={-1} className="w-fit text-sm outline-none">
              {steps[step]}
            </h2>
          </header>
          <div className="p-4">
            {step === 0 && <ReleaseStep draft={draft} onChange={change} />}
            {step === 1 && <TargetStep draft={draft} onChange={change} />}
            {step === 2 && <PolicyStep draft={draft} onChange={change} />}
            {step === 3 && (
              <div className="grid gap-4">
                <Field
                  label="Name of the deployment"
                  value={name}
                  maxLength={256}
                  required
                  onChange={(event) => change({ name: event.target.value })}
                />
                <div className="xl:hidden">
                  <PreviewPanel of={preview} asked={question !== undefined} />
                </div>
                <p className="text-muted max-xl:hidden">
                  Beside this stands who gets it, phase by phase. Nothing has been handed out yet.
                </p>
              </div>
            )}
          </div>
          <footer className="flex justify-between gap-2 border-t border-line px-4 py-3">
            <Button disabled={step === 0} onClick={() => setStep(step - 1)}>
              Back
            </Button>
            {step < steps.length - 1 ? (
              <Button look="primary" disabled={ready[step] !== true} onClick={() => setStep(step + 1)}>
                Next: {steps[step + 1]}
              </Button>
            ) : (
              <Button look="primary" disabled={ready[3] !== true} onClick={() => setAsking(true)}>
                Deploy to {plural(preview.data?.devices ?? 0, 'device')}
              </Button>
            )}
          </footer>
        </section>
        <div className={classes(step === 3 ? 'max-xl:hidden' : '')}>
          <PreviewPanel of={preview} asked={question !== undefined} />
        </div>
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={`Deploy ${release.data?.version ?? ''}`}
        verb="Deploy"
        look="primary"
        devices={preview.data?.devices ?? 0}
        consequences={consequencesOf(draft, preview.data?.phases ?? [])}
        act={create}
      />
    </Page>
  )
}

function Steps({ current, ready, onGo }: { current: number; ready: readonly boolean[]; onGo: (step: number) => void }) {
  return (
    <nav aria-label="Steps">
      <ol className="flex flex-wrap gap-1.5">
        {steps.map((name, index) => (
          <li key={name}>
            <button
              type="button"
              aria-current={index === current ? 'step' : undefined}
              disabled={index > 0 && ready.slice(0, index).includes(false)}
              onClick={() => onGo(index)}
              className="flex min-h-8 items-center gap-2 rounded-md px-2.5 text-muted enabled:hover:bg-raised disabled:cursor-not-allowed aria-[current=step]:bg-accent-soft aria-[current=step]:font-medium aria-[current=step]:text-accent-text"
            >
              <span className="numbers grid size-5 place-items-center rounded-full border border-current text-xs">
                {index + 1}
              </span>
              {name}
            </button>
          </li>
        ))}
      </ol>
    </nav>
  )
}

function suggestedName(release: Release | undefined): string {
  return release === undefined ? '' : `${release.product.name} ${release.version}`
}

function consequencesOf(draft: Draft, phases: readonly { number: number; devices: number }[]): string[] {
  const first = phases[0]
  return [
    ...(first === undefined
      ? []
      : [
          `Phase 1 opens ${draft.startAt === '' ? 'at once' : 'at its start time'} for ${plural(first.devices, 'device')}.`,
        ]),
    ...(phases.length > 1
      ? [
          `${plural(phases.length - 1, 'more phase', 'more phases')} follow when ${draft.successPercent} % of the one before have succeeded.`,
        ]
      : []),
    draft.haltAtFailurePercent === '' && draft.haltAtFailures === ''
      ? 'No failure limit is set: it does not halt by itself.'
      : `It halts by itself at ${[draft.haltAtFailurePercent === '' ? '' : `${draft.haltAtFailurePercent} % failures of a phase`, draft.haltAtFailures === '' ? '' : `${draft.haltAtFailures} failures in all`].filter((part) => part !== '').join(' or ')}.`,
    ...(draft.force ? ['Devices that already run it install it again, outside of maintenance windows too.'] : []),
  ]
}
