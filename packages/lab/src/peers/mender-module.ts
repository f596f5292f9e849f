/** What an update module of the lab does besides copying the payload into `installed/`. */
export type ModuleKind = 'files' | 'failing' | 'slow' | 'rebooting'

export const moduleKinds: readonly ModuleKind[] = ['files', 'failing', 'slow', 'rebooting']

/** The payload type that a module answers to. */
export function payloadType(kind: ModuleKind): string {
  return `lab-${kind}`
}

const actions: Readonly<Record<ModuleKind, string>> = {
  files: '',
  failing: 'echo "the lab module was told to fail" >&2; exit 1',
  slow: 'for _ in $(seq 1200); do [ -e /var/lib/mender/go-on ] && break; sleep 0.1; done',
  rebooting: '',
}

/** An update module (protocol v3): each state that it is called for is noted in `states`. */
export function moduleScript(kind: ModuleKind): string {
  return `#!/bin/sh
state=$1
work=$2
home=/var/lib/mender
echo "$state" >> $home/states
case $state in
  NeedsArtifactReboot) echo ${kind === 'rebooting' ? 'Yes' : 'No'} ;;
  SupportsRollback) echo Yes ;;
  ArtifactInstall)
    rm -rf $home/before
    [ -d $home/installed ] && cp -r $home/installed $home/before
    mkdir -p $home/installed
    ${actions[kind]}
    cp "$work"/files/* $home/installed/ ;;
  ArtifactRollback)
    rm -rf $home/installed
    [ -d $home/before ] && mv $home/before $home/installed ;;
esac
exit 0
`
}
