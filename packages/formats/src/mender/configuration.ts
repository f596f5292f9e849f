import { newId } from '@holdfast/kernel'
import type { MenderSpec } from './write.ts'

/** What an artifact provides and clears when it replaces one piece of software, as `mender-artifact` words it. */
export function softwareVersion(
  filesystem: string,
  software: string,
  version: string,
): { payloadProvides: Record<string, string>; clears: string[] } {
  return {
    payloadProvides: { [`${filesystem}.${software}.version`]: version },
    clears: [`${filesystem}.${software}.*`],
  }
}

/**
 * The artifact that carries a device configuration: no files, the configuration in its meta-data. The name must
 * be new for every change, because a device skips an artifact whose name it already runs.
 */
export function configurationArtifact(input: {
  readonly deviceTypes: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  readonly name?: string
}): MenderSpec {
  const name = input.name ?? `configuration-${newId()}`
  return {
    name,
    depends: { deviceTypes: input.deviceTypes },
    payloadType: 'mender-configure',
    ...softwareVersion('data-partition', 'mender-configure', name),
    metaData: input.configuration,
    files: [],
    compression: 'none',
  }
}
