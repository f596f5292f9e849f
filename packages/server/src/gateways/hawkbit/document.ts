import type { Handout, Offer } from '../../domains/deployments/index.ts'

/** Addresses of one controller's resources. */
export interface Links {
  readonly base: string
}

export function href(address: string): { readonly href: string } {
  return { href: address }
}

/** Changes whenever a document that a client may have kept is no longer true. */
export function documentTag({ install, attempt }: Pick<Handout, 'install' | 'attempt'>): number {
  return attempt * 2 + (install.when === 'now' ? 0 : 1)
}

/**
 * What a device is to do. `update: skip` means: download now, the time to install comes; it is shown only to clients that
 * are known to wait, because SWUpdate takes it for done.
 */
export function deploymentDocument(links: Links, offer: Offer, install: Handout['install']): object {
  const mayInstall = install.when === 'now'
  return {
    download: 'forced',
    update: mayInstall ? 'forced' : 'skip',
    ...(install.when === 'wait' && install.until !== undefined ? { maintenanceWindow: 'unavailable' } : {}),
    chunks: [
      {
        part: 'os',
        version: offer.deployment.version,
        name: offer.artifact.name,
        artifacts: [artifactDocument(links, offer)],
      },
    ],
  }
}

export function artifactDocument(links: Links, { deployment, artifact }: Offer): object {
  const name = fileNameOf(artifact)
  const file = `${links.base}/softwaremodules/${deployment.number}/artifacts/${encodeURIComponent(name)}`
  return {
    filename: name,
    hashes: { sha1: artifact.sha1 ?? '', md5: artifact.md5 ?? '', sha256: artifact.sha256 },
    size: artifact.size,
    _links: { download: href(file), md5sum: href(`${file}.MD5SUM`) },
  }
}

/** SWUpdate looks at names that end in .swu only. */
export function fileNameOf({ fileName }: Offer['artifact']): string {
  return fileName.endsWith('.swu') ? fileName : `${fileName}.swu`
}
