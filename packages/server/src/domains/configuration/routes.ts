import { Fault } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import { type Route, route, type SignedInContext } from '../../platform/http/routes.ts'
import { deriveDrift } from './drift.ts'
import type { Configuration } from './service.ts'

const { configuration: paths } = operations

/** Throws `missing` unless the device is the organisation's and within what the caller may see. */
export type RequireDevice = (context: SignedInContext, device: string) => Promise<unknown>

export function configurationRoutes(configuration: Configuration, requireDevice: RequireDevice): Route[] {
  return [
    route(paths.get, async ({ params }, context) => {
      await requireDevice(context, params.device)
      const { desired, reported, desiredAt, reportedAt } = await configuration.of(
        context.caller.organisation,
        params.device,
      )
      return {
        desired: { ...desired },
        reported: { ...reported },
        drift: deriveDrift(desired, reported),
        ...(desiredAt === null ? {} : { desiredAt: new Date(desiredAt).toISOString() }),
        ...(reportedAt === null ? {} : { reportedAt: new Date(reportedAt).toISOString() }),
      }
    }),
    route(paths.history, async ({ params, query }, context) => {
      await requireDevice(context, params.device)
      const rows = await configuration.history(params.device, readCursor(query.cursor), query.limit + 1)
      const page = rows.slice(0, query.limit)
      const last = page.at(-1)
      return {
        items: page.map(({ at, kind, settings }) => ({
          at: new Date(at).toISOString(),
          kind,
          settings: { ...settings },
        })),
        ...(rows.length > query.limit && last !== undefined ? { next: String(last.seq) } : {}),
      }
    }),
  ]
}

function readCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  if (!/^\d{1,15}$/.test(cursor))
    throw new Fault('malformed', 'protocol.cursor', 'not a cursor of this list', { at: 'cursor' })
  return Number(cursor)
}
