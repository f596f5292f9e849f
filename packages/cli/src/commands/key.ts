import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { readKeyFile, writeKeyFile } from '@holdfast/crypto/key-file'
import {
  generateKey,
  keyFingerprint,
  type NewKeyKind,
  privateKeyPem,
  publicKeyPem,
  sealPrivateKey,
} from '@holdfast/crypto/keys'
import { certificatePem, createRootCertificate, createSigningCertificate } from '@holdfast/crypto/x509'
import { day, Fault, minute } from '@holdfast/kernel'
import { type Command, Option } from 'commander'
import { integer } from '../arguments.ts'
import { outputOf } from '../connection.ts'
import { readSigningKey } from '../key-material.ts'

const kinds = ['p256', 'rsa-3072', 'ed25519', 'p384', 'aes-256'] as const

export function registerKeys(program: Command): void {
  const key = program.command('key').description('keys that stay with you: the server never sees them')
  key
    .command('create')
    .description('make a key in a file that only you can read')
    .requiredOption('--out <file>', 'where to; the public key goes to FILE.pub')
    .addOption(
      new Option('--kind <kind>', 'aes-256 encrypts .swu contents, the others sign').choices(kinds).default('p256'),
    )
    .option('--passphrase-file <file>', 'encrypt it under the passphrase in this file')
    .option('--certificate <file>', 'also make a self-signed certificate for signing .swu')
    .option('--name <name>', 'common name in the certificate', 'Holdfast release signing')
    .option('--days <number>', 'how long the certificate is valid', integer, 1_095)
    .action(create)
  key
    .command('show')
    .argument('<file>', 'a private key')
    .description('the public key that belongs to a key')
    .option('--passphrase-file <file>')
    .action(show)
}

interface CreateOptions {
  readonly out: string
  readonly kind: (typeof kinds)[number]
  readonly passphraseFile?: string
  readonly certificate?: string
  readonly name: string
  readonly days: number
}

async function create(options: CreateOptions, command: Command): Promise<void> {
  const out = outputOf(command)
  if (options.kind === 'aes-256') {
    // The form of SWUpdate's key file: key, and a vector that every encrypted content overrides by its own.
    await writeKeyFile(options.out, `${randomBytes(32).toString('hex')} ${randomBytes(16).toString('hex')}\n`)
    out.done(`Wrote ${options.out}; devices need the same file (swupdate -K)`, { file: options.out })
    return
  }
  const { publicKey, privateKey } = await generateKey(options.kind satisfies NewKeyKind)
  const passphrase = options.passphraseFile === undefined ? undefined : await readKeyFile(options.passphraseFile)
  const pem =
    passphrase === undefined
      ? privateKeyPem(privateKey)
      : await sealPrivateKey(privateKey, new TextDecoder().decode(passphrase).trimEnd())
  await writeKeyFile(options.out, pem)
  await writeFile(`${options.out}.pub`, publicKeyPem(publicKey))
  if (options.certificate !== undefined) {
    await writeFile(options.certificate, selfSigned(options, privateKey, publicKey), { flag: 'wx' })
  }
  const fingerprint = keyFingerprint(publicKey)
  const files = { privateKey: options.out, publicKey: `${options.out}.pub`, certificate: options.certificate }
  const wrote = [files.privateKey, files.publicKey, files.certificate].filter((file) => file !== undefined)
  out.done(
    `Wrote ${wrote.join(', ')}\nSHA-256 ${fingerprint}\nTrust it: holdfast product trust-key PRODUCT ${options.certificate ?? files.publicKey}`,
    { ...files, fingerprint },
  )
}

type Keys = Awaited<ReturnType<typeof generateKey>>

/** Self-signed, and no authority: it can only be trusted as itself. */
function selfSigned(options: CreateOptions, key: Keys['privateKey'], publicKey: Keys['publicKey']): string {
  if (options.kind === 'ed25519') {
    throw new Fault(
      'refused',
      'cli.certificate_key',
      'SWUpdate reads no Ed25519 certificates; use --kind p256 or rsa-3072',
    )
  }
  const subject = { commonName: options.name }
  const validity = { notBefore: Date.now() - 5 * minute, notAfter: Date.now() + options.days * day }
  const authority = createRootCertificate({ subject, key, ...validity })
  return certificatePem(
    createSigningCertificate({ issuer: { certificate: authority, key }, subject, publicKey, ...validity }),
  )
}

async function show(file: string, options: { passphraseFile?: string }, command: Command): Promise<void> {
  const out = outputOf(command)
  const key = await readSigningKey(file, options.passphraseFile)
  const pem = publicKeyPem(key)
  const fingerprint = keyFingerprint(key)
  out.show({ pem, fingerprint }, () => `${pem}SHA-256 ${fingerprint}`)
}
