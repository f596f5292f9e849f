import { badDer, DerFields, type DerNode, readOid, readText, tag } from './der.ts'
import { oid, sequence, setOf, utf8String } from './der-write.ts'
import { oids } from './oids.ts'

/** What a new certificate says about its subject. */
export interface SubjectName {
  readonly commonName: string
  readonly organization?: string
  readonly organizationalUnit?: string
  readonly serialNumber?: string
}

/** A distinguished name as a certificate holds it; two names are the same when their `der` is. */
export interface DistinguishedName {
  readonly der: Uint8Array
  /** `CN=gateway, O=Example`, for people. */
  readonly text: string
  readonly commonName: string | undefined
}

const shortNames: Readonly<Record<string, string>> = {
  [oids.commonName]: 'CN',
  [oids.countryName]: 'C',
  [oids.organizationName]: 'O',
  [oids.organizationalUnitName]: 'OU',
  [oids.serialNumber]: 'serialNumber',
}

export function readName(node: DerNode): DistinguishedName {
  if (node.tag !== tag.sequence) throw badDer('a name that is not a sequence')
  const parts: string[] = []
  let commonName: string | undefined
  for (const set of node.children) {
    if (set.tag !== tag.set || set.children.length === 0) throw badDer('a name with an empty part')
    for (const member of set.children) {
      const attribute = new DerFields(member, tag.sequence, 'a name attribute')
      const type = readOid(attribute.take(tag.oid, 'type'))
      const value = readText(attribute.any('value'))
      attribute.end()
      if (type === oids.commonName) commonName ??= value
      parts.push(`${shortNames[type] ?? type}=${value}`)
    }
  }
  return { der: node.whole, text: parts.join(', '), commonName }
}

export function writeName(name: SubjectName): Uint8Array {
  const attributes: [string, string | undefined][] = [
    [oids.organizationName, name.organization],
    [oids.organizationalUnitName, name.organizationalUnit],
    [oids.serialNumber, name.serialNumber],
    [oids.commonName, name.commonName],
  ]
  const parts = attributes.flatMap(([type, value]) =>
    value === undefined ? [] : [setOf(sequence(oid(type), utf8String(value)))],
  )
  return sequence(...parts)
}
