import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { client, type DeviceStatus } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button } from '../../ui/button.tsx'
import { classes } from '../../ui/class-names.ts'
import { exactTime } from '../../ui/format.ts'
import { Verbatim } from '../../ui/scroll-region.tsx'
import { deviceStatuses, type Look } from '../../ui/states.ts'
import { toneFill, toneText } from '../../ui/tone.ts'

/** What one device did in one deployment: its steps, its log, and what can be done about it. */
export function DeviceRun({ deployment, device }: { deployment: string; device: string }) {
  const run = useQuery(ask.timeline(deployment, device))
  const [log, setLog] = useState(false)
  const act = useAct()
  const may = useMay()
  const params = { deployment, device }
  return (
    <Asked of={run} lines={4}>
      {(answer) => (
        <div className="grid gap-3 px-4 pt-1 pb-4">
          <ol className="grid">
            {answer.events.map((event, index) => {
              const look = lookOf(event.status)
              return (
                <li
                  key={`${event.at}-${String(index)}`}
                  className="grid grid-cols-[5.5rem_12px_minmax(0,1fr)] gap-x-2.5"
                >
                  <time
                    dateTime={event.at}
                    title={exactTime(event.at)}
                    className="pt-0.5 text-right text-xs text-muted"
                  >
                    {new Date(event.at).toLocaleTimeString('en-GB')}
                  </time>
                  <span aria-hidden className="grid grid-rows-[auto_1fr] justify-items-center">
                    <span className={classes('mt-1.5 size-2 rounded-full', toneFill[look?.tone ?? 'idle'])} />
                    {index < answer.events.length - 1 && <span className="w-px bg-line" />}
                  </span>
                  <span className="pb-2">
                    <span className={classes('font-medium', look && toneText[look.tone])}>{look?.label ?? 'Note'}</span>
                    {event.substate !== undefined && <span className="text-muted"> · {event.substate}</span>}
                    {event.message !== undefined && (
                      <span className="block break-words text-muted">{event.message}</span>
                    )}
                  </span>
                </li>
              )
            })}
          </ol>
          {answer.events.length === 0 && <p className="text-muted">It has not reported a step yet.</p>}
          <div className="flex flex-wrap gap-2">
            {answer.hasLog && (
              <Button size="small" aria-expanded={log} onClick={() => setLog(!log)}>
                {log ? 'Hide its log' : 'Show its log'}
              </Button>
            )}
            {may('deployments.control') && answer.status === 'failure' && (
              <Button
                size="small"
                onClick={() =>
                  void act(() => client.deployments.retry({ params }), ['deployments'], 'It may try again')
                }
              >
                Let it try again
              </Button>
            )}
            {may('deployments.control') && answer.status.startsWith('paused_') && (
              <Button
                size="small"
                look="primary"
                onClick={() =>
                  void act(
                    () => client.deployments.continue({ params }),
                    ['deployments'],
                    'It goes on when it next asks',
                  )
                }
              >
                Let it go on
              </Button>
            )}
          </div>
          {log && <Log deployment={deployment} device={device} />}
        </div>
      )}
    </Asked>
  )
}

function Log({ deployment, device }: { deployment: string; device: string }) {
  const log = useQuery(ask.log(deployment, device))
  return (
    <Asked of={log} lines={3}>
      {({ messages }) => (
        <Verbatim label="Log of the device" className="max-h-96">
          {messages.map((line) => (
            <span
              key={`${line.at}${line.message}`}
              className={classes('block', /err|fatal|crit/i.test(line.level) && 'text-failing')}
            >
              <span className="text-faint">{line.at}</span> {line.level.padEnd(7)} {line.message}
            </span>
          ))}
        </Verbatim>
      )}
    </Asked>
  )
}

/** In a timeline, `pending` is the moment at which the device was given the work. */
function lookOf(status: DeviceStatus | undefined): Look | undefined {
  if (status === undefined) return undefined
  return status === 'pending' ? { label: 'Given to it', tone: 'idle' } : deviceStatuses[status]
}
