import { randomUUID } from 'node:crypto'
import type { Instant } from '@holdfast/kernel'
import type { StoredArtifact } from '../domains/artifacts/index.ts'
import type { ByteRange } from '../platform/blobs/index.ts'
import type { DeviceAnswer, DeviceRequest } from '../platform/http/device-edge.ts'
import type { OpenArtifact } from './needs.ts'
import { decideRanges } from './ranges.ts'

/** Bytes that never change under their tag. */
export interface Downloadable {
  readonly size: number
  /** Without quotes. */
  readonly tag: string
  readonly modified: Instant
  readonly fileName: string
  readonly open: (range?: ByteRange) => Promise<AsyncIterable<Uint8Array>>
}

export function downloadable(artifact: StoredArtifact, tag: string, open: OpenArtifact): Downloadable {
  const { size, fileName, uploadedAt } = artifact
  return { size, tag, fileName, modified: uploadedAt, open: (range) => open(artifact, range) }
}

const type = 'application/octet-stream'

/**
 * Answers GET and HEAD with ranges and preconditions (RFC 9110 sections 13 and 14). Always with Content-Length and never
 * compressed: mender-client gives up on anything else.
 */
export async function answerDownload(request: DeviceRequest, file: Downloadable): Promise<DeviceAnswer> {
  const tag = `"${file.tag}"`
  const headers = {
    etag: tag,
    'last-modified': new Date(file.modified).toUTCString(),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-transform',
    'content-disposition': `attachment; filename="${file.fileName.replaceAll(/[^\w.+-]/g, '_')}"`,
  }
  if (failsIfMatch(request.headers['if-match'], tag)) return { status: 412, headers }
  const head = request.method === 'HEAD'
  const ranges = head || !allowsRanges(request, tag, file) ? undefined : decideRanges(request.headers.range, file.size)
  if (ranges === undefined) {
    const whole = { ...headers, 'content-type': type, 'content-length': file.size }
    return head ? { status: 200, headers: whole } : { status: 200, headers: whole, body: await file.open() }
  }
  const [range, ...more] = ranges
  if (range === undefined) return { status: 416, headers: { ...headers, 'content-range': `bytes */${file.size}` } }
  if (more.length > 0) return answerParts(file, ranges, headers)
  return {
    status: 206,
    headers: {
      ...headers,
      'content-type': type,
      'content-length': range.end - range.start + 1,
      'content-range': contentRange(range, file.size),
    },
    body: await file.open(range),
  }
}

/** RFC 9110 section 14.6. */
function answerParts(file: Downloadable, ranges: readonly ByteRange[], headers: Record<string, string>): DeviceAnswer {
  const boundary = randomUUID()
  const heads = ranges.map((range) =>
    Buffer.from(
      `\r\n--${boundary}\r\ncontent-type: ${type}\r\ncontent-range: ${contentRange(range, file.size)}\r\n\r\n`,
    ),
  )
  const end = Buffer.from(`\r\n--${boundary}--\r\n`)
  const length = ranges.reduce((sum, range) => sum + range.end - range.start + 1, end.length)
  async function* parts(): AsyncGenerator<Uint8Array> {
    for (const [index, range] of ranges.entries()) {
      yield heads[index] as Buffer
      yield* await file.open(range)
    }
    yield end
  }
  return {
    status: 206,
    headers: {
      ...headers,
      'content-type': `multipart/byteranges; boundary=${boundary}`,
      'content-length': heads.reduce((sum, head) => sum + head.length, length),
    },
    body: parts(),
  }
}

function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end}/${size}`
}

function failsIfMatch(header: string | undefined, tag: string): boolean {
  return header !== undefined && header.trim() !== '*' && !tagsOf(header).includes(tag)
}

/** If-Range: a strong tag or the exact date, else the whole is sent. */
function allowsRanges({ headers }: DeviceRequest, tag: string, { modified }: Downloadable): boolean {
  const condition = headers['if-range']
  if (typeof condition !== 'string') return true
  if (condition.startsWith('"')) return condition === tag
  return Math.floor(Date.parse(condition) / 1000) === Math.floor(modified / 1000)
}

function tagsOf(header: string): string[] {
  return header.split(',').map((one) => one.trim())
}
