import pino, { type Logger } from 'pino'

export type Log = Logger

/** Members that are blotted out wherever they appear in a log line. */
const secretMembers = [
  'password',
  'token',
  'secret',
  'authorization',
  'cookie',
  'code',
  'key',
  'clientSecret',
  'secretAccessKey',
]

/** JSON lines on standard output, one event each, without secrets. */
export function createLog(level: string): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secretMembers.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[hidden]' },
  })
}
