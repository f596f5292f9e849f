import { z } from 'zod'
import { operation } from './operation.ts'
import { Time } from './shapes.ts'

/** The subject's id is empty for a caller who may read only a part of the organisation. */
export const LiveEvent = z.object({
  type: z.string(),
  subject: z.object({ kind: z.string(), id: z.string() }),
  at: Time,
})

export const system = {
  overview: operation({
    id: 'system.overview',
    method: 'GET',
    path: '/overview',
    requires: 'devices.read',
    summary: 'The numbers of the first page',
    answer: z.object({
      devices: z.object({
        total: z.number().int(),
        states: z.record(z.string(), z.number().int()),
        seenLastHour: z.number().int().optional(),
        seenLastDay: z.number().int().optional(),
      }),
      deployments: z.object({
        running: z.number().int(),
        scheduled: z.number().int(),
        halted: z.number().int(),
        finishedLastWeek: z.number().int(),
      }),
      releases: z.object({ total: z.number().int(), released: z.number().int() }),
      software: z.array(z.object({ version: z.string(), devices: z.number().int() })),
    }),
  }),
  events: operation({
    id: 'system.events',
    method: 'GET',
    path: '/events',
    requires: 'session',
    summary: 'What changes, as server-sent events (LiveEvent), within what the caller may read',
    answer: 'events',
  }),
  server: operation({
    id: 'system.server',
    method: 'GET',
    path: '/server',
    requires: 'session',
    summary: 'Version, addresses of the device gateways and the certificate authority that devices must trust',
    answer: z.object({
      version: z.string(),
      deviceUrl: z.string(),
      ddiUrl: z.string(),
      authority: z.string(),
      database: z.enum(['sqlite', 'postgres']),
      blobs: z.enum(['directory', 's3']),
    }),
  }),
}
