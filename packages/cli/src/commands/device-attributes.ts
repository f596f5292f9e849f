import type { Command } from 'commander'
import { given, integer } from '../arguments.ts'
import { operatorOf } from '../connection.ts'

/** What filters can be made of. */
export function registerDeviceAttributes(device: Command): void {
  device.command('attributes').description('the attributes that devices have, for filters').action(attributes)
  device
    .command('values')
    .argument('<attribute>', 'as in a filter, such as inventory.os')
    .description('the values of one attribute, with the number of devices')
    .option('--filter <filter>', 'only among devices that match')
    .option('--limit <number>', 'how many', integer, 50)
    .action(values)
}

async function attributes(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.devices.attributes()
  out.list(
    answer.items,
    [
      { title: 'scope', value: (item) => item.scope },
      { title: 'name', value: (item) => item.name },
    ],
    'No device has reported anything yet.',
    answer,
  )
}

interface ValuesOptions {
  readonly filter?: string
  readonly limit: number
}

async function values(attribute: string, options: ValuesOptions, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.devices.facets({ query: { attribute, ...given(options) } })
  out.list(
    answer.items,
    [
      { title: 'devices', value: (item) => String(item.devices), right: true },
      { title: 'value', value: (item) => [item.value].flat().join(', ') },
    ],
    'No device has this attribute. Which there are: holdfast device attributes',
    answer,
  )
}
