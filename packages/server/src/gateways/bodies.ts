import { Fault } from '@holdfast/kernel'
import type { z } from 'zod'
import type { DeviceRequest } from '../platform/http/device-edge.ts'

/** The body as JSON; throws `malformed` when it is none and `limited` beyond `limit` bytes. */
export async function readJson(request: DeviceRequest, limit: number): Promise<unknown> {
  return parseJson(await request.body(limit))
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (thrown) {
    throw new Fault('malformed', 'gateway.not_json', 'the body is not JSON', { cause: thrown })
  }
}

/** The body in a shape; throws ZodError, which the edge answers as `malformed` with the path. */
export async function readShape<S extends z.ZodType>(
  request: DeviceRequest,
  shape: S,
  limit: number,
): Promise<z.output<S>> {
  return shape.parse(await readJson(request, limit))
}

export function jsonAnswer(value: object, type = 'application/json') {
  return { status: 200, headers: { 'content-type': type }, body: JSON.stringify(value) }
}
