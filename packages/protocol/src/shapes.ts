import { z } from 'zod'

/** Shapes that several operations share. Times are ISO 8601 in UTC on the wire. */
export const Id = z.uuid()
export const Time = z.iso.datetime()
export const Name = z.string().trim().min(1).max(256)
export const Slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes, at most 63')
export const Text = z.string().max(10_000)
export const Tag = z.string().regex(/^[\w.:@/-]{1,64}$/, 'letters, digits and . : @ / - _, at most 64')
export const Digest = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex')
export const Pem = z.string().max(64 * 1024)

export const PageQuery = z.object({
  /** Where to go on: the `next` of the page before. */
  cursor: z.string().max(2_000).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

/** One page; `next` is absent on the last. `total` is present where it is known exactly without a scan. */
export function page<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().optional(), total: z.number().int().optional() })
}

export const ErrorAnswer = z.object({
  /** For people. */
  error: z.string(),
  /** For programs: `<domain>.<reason>`. */
  code: z.string(),
  /** Where in the input. */
  at: z.string().optional(),
  request_id: z.string(),
})

export const Scalar = z.union([z.string().max(4_096), z.number(), z.boolean()])
export const AttributeValue = z.union([Scalar, z.array(Scalar).max(100)])
export const ByDevice = z.object({ device: Id })
