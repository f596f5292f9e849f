import type { Command } from 'commander'
import { integer, pairs, several } from '../arguments.ts'
import { readArtifact, signArtifact, verifyArtifact } from './artifact-files.ts'
import { writeArtifact } from './artifact-write.ts'

export function registerArtifacts(program: Command): void {
  const artifact = program.command('artifact').description('make, sign and check update artifacts, without any server')
  artifact
    .command('write')
    .argument('[inputs...]', 'files, or directories for the files in them; for .swu a directory with swu.yaml')
    .description('make an artifact from files or a directory')
    .requiredOption('--out <file>', 'FILE.mender or FILE.swu')
    .option('--name <name>', 'what devices will report (.mender)')
    .option('--device-type <type>', 'which devices may install it (several; .mender)', several)
    .option('--type <module>', 'the update module that installs it (.mender)', 'single-file')
    .option('--dest-dir <directory>', 'where the module single-file puts the file on the device (.mender)')
    .option('--permissions <mode>', 'of that file (with --dest-dir)', '644')
    .option('--group <name>', 'artifact group (.mender)')
    .option('--script <file>', 'state script, such as ArtifactInstall_Enter_10_stop (several; .mender)', several)
    .option('--provides <name=value>', 'what it provides (several; .mender)', pairs)
    .option('--depends <name=value>', 'what must be there (several; .mender)', pairs)
    .option('--depends-name <name>', 'artifact that must run now (several; .mender)', several)
    .option('--clears <pattern>', 'which provides end (several; .mender)', several)
    .option('--software <filesystem.name@version>', 'provides and clears of one piece of software (.mender)')
    .option('--meta-data <file>', 'JSON for the update module (.mender)')
    .option('--compression <method>', 'none, gzip, lzma or zstd (.mender)', 'gzip')
    .option('--version-name <version>', 'version (.swu; default: that of swu.yaml)')
    .option('--hardware <revision>', 'revisions of the board that may install it (several; .swu)', several)
    .option('--key <file>', 'sign it with this private key')
    .option('--certificate <file>', 'the signer’s certificate (.swu)')
    .option('--encrypt-key <file>', 'AES-256 key for contents that swu.yaml wants encrypted (.swu)')
    .option('--passphrase-file <file>', 'opens the private key')
    .action(writeArtifact)
  artifact
    .command('sign')
    .argument('<file>')
    .description('sign an artifact, or replace its signature; it is checked whole before')
    .requiredOption('--key <file>', 'private key')
    .option('--out <file>', 'where to (default: in place)')
    .option('--passphrase-file <file>', 'opens the private key')
    .action(signArtifact)
  artifact
    .command('verify')
    .argument('<file>')
    .description('check every digest and the signature')
    .requiredOption('--key <file>', 'public key (.mender) or trusted certificates (.swu), PEM')
    .action(verifyArtifact)
  artifact
    .command('read')
    .argument('<file>')
    .description('what an artifact says about itself; every digest is checked')
    .option('--max-files <number>', 'refuse more files than this', integer)
    .action(readArtifact)
}
