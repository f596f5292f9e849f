import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { Fault } from '@holdfast/kernel'

export const maxPasswordLength = 1024

interface Cost {
  /** log₂ of scrypt's N. */
  readonly logN: number
  readonly r: number
  readonly p: number
}

/** OWASP's first choice for scrypt: N = 2¹⁷, r = 8, p = 1; 128 MiB for about a quarter of a second. */
const cost: Cost = { logN: 17, r: 8, p: 1 }
const hashLength = 32

/** `$scrypt$ln=17,r=8,p=1$<salt>$<hash>` with unpadded base64, so that the cost can rise and old hashes still verify. */
export async function hashPassword(password: string): Promise<string> {
  const salt = new Uint8Array(randomBytes(16))
  const hash = await derive(password, salt, cost)
  return `$scrypt$ln=${cost.logN},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(hash)}`
}

/** Throws `crypto.wrong_password`, alike for a wrong password and for one that is too long to be right. */
export async function verifyPassword(password: string, encoded: string): Promise<void> {
  const { salt, hash, ...stated } = parse(encoded)
  if (password.length > maxPasswordLength) throw wrongPassword()
  const derived = await derive(password, salt, stated)
  if (!timingSafeEqual(derived, hash)) throw wrongPassword()
}

/** Whether a hash was made at a lower cost than today's and should be made anew at the next log-in. */
export function decideRehash(encoded: string): boolean {
  const { logN, r, p } = parse(encoded)
  return logN < cost.logN || r < cost.r || p < cost.p
}

const form = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/

function parse(encoded: string): Cost & { salt: Uint8Array; hash: Uint8Array } {
  const [, logN = '', r = '', p = '', salt = '', hash = ''] = form.exec(encoded) ?? []
  const stated: Cost = { logN: Number(logN), r: Number(r), p: Number(p) }
  // A stored hash must not be able to ask for unbounded memory or time.
  if (stated.logN < 14 || stated.logN > 20 || stated.r < 1 || stated.r > 16 || stated.p < 1 || stated.p > 4) {
    throw new Fault('malformed', 'crypto.bad_password_hash', 'not a password hash of ours')
  }
  return {
    ...stated,
    salt: new Uint8Array(Buffer.from(salt, 'base64')),
    hash: new Uint8Array(Buffer.from(hash, 'base64')),
  }
}

function derive(password: string, salt: Uint8Array, { logN, r, p }: Cost): Promise<Uint8Array> {
  if (password.length > maxPasswordLength) {
    throw new Fault('malformed', 'crypto.password_too_long', `a password has at most ${maxPasswordLength} characters`)
  }
  const options = { N: 2 ** logN, r, p, maxmem: 256 * 2 ** logN * r }
  return new Promise((resolve, reject) => {
    // NFKC, so that the same characters typed on another system are the same password (NIST SP 800-63B 5.1.1.2).
    scrypt(password.normalize('NFKC'), salt, hashLength, options, (error, key) => {
      if (error === null) resolve(new Uint8Array(key))
      else reject(error)
    })
  })
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}

function wrongPassword(): Fault {
  return new Fault('unauthenticated', 'crypto.wrong_password', 'the password is wrong')
}
