/** Requests bent out of shape: deterministic in the seed, so that what was found can be sent again. */

/** Mulberry32: small, seeded, good enough to choose among mutations. */
export function createChance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Mutation = (request: Buffer, chance: () => number) => Buffer

const at = (request: Buffer, chance: () => number) => Math.floor(chance() * request.length)
const insert = (request: Buffer, place: number, piece: string | Buffer) =>
  Buffer.concat([request.subarray(0, place), Buffer.from(piece as string), request.subarray(place)])
const intoHead = (request: Buffer, line: string) => insert(request, request.indexOf('\r\n') + 2, `${line}\r\n`)
const pick = <T>(chance: () => number, choices: readonly T[]): T => choices[Math.floor(chance() * choices.length)] as T

const hostileText = [
  ...[
    '\0',
    '\r\n\r\n',
    '%00',
    '../../../etc/passwd',
    '%2e%2e%2f',
    '\u202e',
    '\ufeff',
    '{{7*7}}',
    "' or 1=1--",
    '𝒳'.repeat(50),
  ],
  ...[
    'a'.repeat(9_000),
    '-1',
    '1e999',
    'NaN',
    '99999999999999999999',
    '[]',
    '{}',
    'null',
    'true',
    '""',
    '\\',
    '%',
    '%zz',
    '%c0%ae',
  ],
]
const hostileLines = [
  ...['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip, chunked', 'Content-Length: 5', 'Content-Length: -1'],
  ...[
    'Content-Length: 99999999999999999999',
    'Expect: 100-continue',
    'Expect: something',
    'Connection: upgrade',
    'Upgrade: h2c',
  ],
  ...[
    'Host: a',
    'Host:',
    'X: \x01',
    ' folded: line',
    'Content-Type: application/xml',
    'Content-Type: application/json; charset=utf-16',
  ],
  ...[
    'Content-Encoding: gzip',
    'Range: bytes=0-',
    'If-None-Match: *',
    'Cookie: holdfast_session=%00',
    'Authorization: Basic !!!',
  ],
  ...['Authorization: TargetToken', 'Authorization: Bearer', 'X-Forwarded-For: ::1', `X-Long: ${'x'.repeat(20_000)}`],
]
const hostileBodies = [
  ...[
    '',
    '{',
    'null',
    '[]',
    '"text"',
    '0',
    '[[[[',
    `${'['.repeat(50_000)}`,
    `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  ],
  ...[
    '{"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":{"x":1}}}',
    '{"a":1,"a":2}',
    '\ufeff{}',
    '{"name":"\\ud800"}',
  ],
  ...[`{"name":${'9'.repeat(2_000)}}`, '{"name":{"toString":1}}', '{"filter":"((((((((((((((((((((("}', '\xff\xfe\x00'],
]

const mutations: readonly Mutation[] = [
  (request, chance) => {
    const bent = Buffer.from(request)
    for (let count = 0; count < 1 + chance() * 4; count += 1) bent[at(bent, chance)] = Math.floor(chance() * 256)
    return bent
  },
  (request, chance) => insert(request, at(request, chance), pick(chance, hostileText)),
  (request, chance) => {
    const begin = at(request, chance)
    return Buffer.concat([request.subarray(0, begin), request.subarray(begin + Math.floor(chance() * 40))])
  },
  (request, chance) => intoHead(request, pick(chance, hostileLines)),
  (request, chance) => withBody(request, pick(chance, hostileBodies)),
  (request, chance) => {
    const method = pick(chance, [
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'CONNECT',
      'PRI',
      'get',
      'G\0T',
    ])
    return Buffer.concat([Buffer.from(method), request.subarray(request.indexOf(' '))])
  },
  (request, chance) => {
    const begin = request.indexOf(' ') + 1
    const end = request.indexOf(' HTTP/')
    const path = request.subarray(begin, end < begin ? begin : end).toString('latin1')
    const parts = path.split('/')
    parts[Math.floor(chance() * parts.length)] = pick(chance, hostileText).replaceAll(/[\r\n ]/g, '')
    return Buffer.concat([
      request.subarray(0, begin),
      Buffer.from(parts.join('/')),
      request.subarray(end < begin ? begin : end),
    ])
  },
  (request, chance) => {
    const begin = request.indexOf(' HTTP/')
    return begin < 0
      ? request
      : insert(
          request,
          begin,
          `?${pick(chance, ['a', 'limit', 'cursor', 'filter', 'sort', 'offset'])}=${pick(chance, hostileText).replaceAll(/[\r\n ]/g, '')}`,
        )
  },
  (request) => {
    const end = request.indexOf('\r\n\r\n')
    const body = request.subarray(end + 4)
    const head = request
      .subarray(0, end)
      .toString('latin1')
      .replace(/\r\ncontent-length: \d+/i, '')
    return Buffer.concat([
      Buffer.from(`${head}\r\ntransfer-encoding: chunked\r\n\r\n`, 'latin1'),
      Buffer.from('fffffffff\r\n'),
      body,
    ])
  },
]

/** One to three mutations, one after the other. */
export function mutate(request: Buffer, chance: () => number): Buffer {
  let bent = request
  for (let count = 0; count < 1 + Math.floor(chance() * 3); count += 1) bent = pick(chance, mutations)(bent, chance)
  return bent
}

function withBody(request: Buffer, body: string): Buffer {
  const end = request.indexOf('\r\n\r\n')
  const head = request
    .subarray(0, end < 0 ? request.length : end)
    .toString('latin1')
    .replace(/\r\ncontent-length: \d+/i, '')
  const bytes = Buffer.from(body)
  return Buffer.concat([Buffer.from(`${head}\r\ncontent-length: ${bytes.length}\r\n\r\n`, 'latin1'), bytes])
}
