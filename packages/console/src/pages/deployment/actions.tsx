import { useNavigate } from '@tanstack/react-router'
import { Ellipsis, Pause, Play, Square, Undo2 } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client, type Deployment } from '../../api/client.ts'
import { useMay } from '../../app/session.ts'
import { Button } from '../../ui/button.tsx'
import { Confirm, type Consequence } from '../../ui/confirm.tsx'
import { count, plural } from '../../ui/format.ts'
import { Menu, type MenuItem } from '../../ui/menu.tsx'
import { finishedOf, isOver } from '../../ui/states.ts'

type Act = 'pause' | 'resume' | 'abort' | 'force' | 'install' | 'rollBack'

export function DeploymentActions({ of: deployment }: { of: Deployment }) {
  const may = useMay()
  const refresh = useRefresh()
  const navigate = useNavigate()
  const [asking, setAsking] = useState<Act>()
  const { state, policy } = deployment
  const params = { deployment: deployment.id }
  const over = isOver(state)
  const active = !over && state !== 'halted'

  async function run(act: Act, reason: string): Promise<void> {
    if (act === 'pause') await client.deployments.pause({ params })
    else if (act === 'resume') await client.deployments.resume({ params })
    else if (act === 'abort') await client.deployments.abort({ params, body: { reason } })
    else if (act === 'force') await client.deployments.force({ params })
    else if (act === 'install') await client.deployments.install({ params })
    else {
      const { id, devices } = await client.deployments.rollBack({ params, body: {} })
      await refresh(['deployments'], `Rolling back ${plural(devices, 'device')}`)
      await navigate({ to: '/deployments/$deployment', params: { deployment: id } })
      return
    }
    await refresh(['deployments'], done[act])
  }
  const more: (MenuItem | false)[] = [
    may('deployments.control') && active && !policy.force && { label: 'Force…', onSelect: () => setAsking('force') },
    may('deployments.create') &&
      state !== 'scheduled' &&
      state !== 'running' && { label: 'Roll back…', icon: Undo2, danger: true, onSelect: () => setAsking('rollBack') },
  ]
  const offered = more.filter((item) => item !== false)
  return (
    <>
      {may('deployments.control') && policy.downloadOnly && active && (
        <Button look="primary" onClick={() => setAsking('install')}>
          Install
        </Button>
      )}
      {may('deployments.stop') && state === 'running' && (
        <Button icon={Pause} onClick={() => setAsking('pause')}>
          Pause
        </Button>
      )}
      {may('deployments.control') && state === 'paused' && (
        <Button icon={Play} look="primary" onClick={() => setAsking('resume')}>
          Resume
        </Button>
      )}
      {may('deployments.stop') && !over && (
        <Button icon={Square} look="danger" onClick={() => setAsking('abort')}>
          Abort
        </Button>
      )}
      {offered.length > 0 && (
        <Menu
          label="More actions"
          trigger={<Button size="icon" icon={Ellipsis} aria-label="More actions" />}
          items={offered}
        />
      )}
      {asking !== undefined && (
        <Confirm
          open
          onClose={() => setAsking(undefined)}
          {...consequenceOf(asking, deployment)}
          act={(reason) => run(asking, reason)}
        />
      )}
    </>
  )
}

const done: Readonly<Record<Exclude<Act, 'rollBack'>, string>> = {
  pause: 'Paused: nothing new is handed out',
  resume: 'Resumed',
  abort: 'Aborted',
  force: 'Forced from now on',
  install: 'Devices install when they next ask',
}

/** What each act does to how many devices, before it is done. */
function consequenceOf(act: Act, deployment: Deployment): Consequence {
  const { counts, devices, name } = deployment
  const finished = finishedOf(counts)
  const known = Object.entries(counts).reduce((sum, [status, value]) => sum + (status === 'pending' ? 0 : value), 0)
  const busy = Math.max(0, known - finished)
  const rest = Math.max(0, devices - known)
  const installed = counts.success ?? 0
  if (act === 'pause') {
    return {
      title: `Pause “${name}”`,
      verb: 'Pause',
      look: 'primary',
      consequences: [
        `${count(rest)} devices that have not asked get nothing until you resume.`,
        `${plural(busy, 'device')} at it now may finish.`,
      ],
    }
  }
  if (act === 'resume') {
    return {
      title: `Resume “${name}”`,
      verb: 'Resume',
      look: 'primary',
      consequences: [`${count(rest)} devices may get the release again, phase by phase.`],
    }
  }
  if (act === 'abort') {
    return {
      title: `Abort “${name}”`,
      verb: 'Abort',
      reason: 'optional',
      devices: busy + rest,
      consequences: [
        `${plural(busy, 'device')} at it now ${busy === 1 ? 'is' : 'are'} told to cancel.`,
        `${count(rest)} devices that have not asked get nothing.`,
        `${count(finished)} that finished keep what they have.`,
        'It cannot be undone.',
      ],
    }
  }
  if (act === 'force') {
    return {
      title: `Force “${name}”`,
      verb: 'Force',
      devices: devices - finished,
      consequences: [
        'Maintenance windows are ignored from now on: devices may install and restart while in use.',
        'Devices that already run the version install it again.',
      ],
    }
  }
  if (act === 'install') {
    return {
      title: `Install “${name}”`,
      verb: 'Install',
      look: 'primary',
      devices: devices - finished,
      consequences: [
        'Devices that have downloaded it install it when they next ask.',
        'Those that have not, download and install.',
      ],
    }
  }
  return {
    title: `Roll back “${name}”`,
    verb: 'Roll back',
    devices: installed,
    consequences: [
      'A new deployment brings the release before to the same devices.',
      `${plural(installed, 'device')} that installed it would install again.`,
      'Devices whose former release is not known stay as they are.',
    ],
  }
}
