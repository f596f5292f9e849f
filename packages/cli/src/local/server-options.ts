import { Option } from 'commander'
import { integer } from '../arguments.ts'

export interface ServerOptions {
  readonly host?: string
  readonly port?: number
  readonly devicePort?: number
  readonly metricsPort?: number
  readonly data?: string
}

export const serverOptions: readonly Option[] = [
  portOption('--port <number>', 'console and REST interface (8443)'),
  portOption('--device-port <number>', 'device gateways (8444)'),
  portOption('--metrics-port <number>', 'health and metrics (9464)'),
  new Option('--data <directory>', 'where everything is kept (.holdfast)'),
]

function portOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string) => integer(text))
}

/** Settings that the command line gives, over file and environment. */
export function overridesOf(options: ServerOptions): Record<string, unknown> {
  const { host, port, devicePort, metricsPort, data } = options
  return { listen: { host, port, devicePort, metricsPort }, data }
}
