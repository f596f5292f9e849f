import { z } from 'zod'
import { operation } from './operation.ts'
import { ByDevice, PageQuery, page, Time } from './shapes.ts'

export const Settings = z.record(z.string().regex(/^[\w./-]{1,128}$/), z.string().max(8_192))

export const DeviceConfiguration = z.object({
  /** What its last signed configuration deployment brought. */
  desired: Settings,
  desiredAt: Time.optional(),
  /** What the device said it uses. */
  reported: Settings,
  reportedAt: Time.optional(),
  drift: z.array(z.object({ name: z.string(), desired: z.string().optional(), reported: z.string().optional() })),
})

/**
 * The server never signs: a configuration is an artifact, made and signed by the operator's client and deployed like
 * any other. These operations read what was delivered and what devices report.
 */
export const configuration = {
  get: operation({
    id: 'configuration.get',
    method: 'GET',
    path: '/devices/{device}/configuration',
    requires: 'configuration.read',
    summary: 'Desired and reported configuration, and the difference',
    params: ByDevice,
    answer: DeviceConfiguration,
  }),
  history: operation({
    id: 'configuration.history',
    method: 'GET',
    path: '/devices/{device}/configuration/history',
    requires: 'configuration.read',
    summary: 'Every configuration it was given or reported',
    params: ByDevice,
    query: PageQuery,
    answer: page(z.object({ at: Time, kind: z.enum(['desired', 'reported']), settings: Settings })),
  }),
}
