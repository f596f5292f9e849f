import { z } from 'zod'

const Bytes = z.string().regex(/^[A-Za-z0-9_-]*$/, 'base64url')
const Common = {
  id: Bytes.min(1).max(2_048),
  rawId: Bytes.min(1).max(2_048),
  type: z.literal('public-key'),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).nullish(),
  clientExtensionResults: z.record(z.string().max(64), z.unknown()).default({}),
}

/** What a browser answers to creation options (WebAuthn level 3, 5.1.8), bounded. */
export const RegistrationResponse = z.object({
  ...Common,
  response: z.object({
    clientDataJSON: Bytes.max(8_192),
    attestationObject: Bytes.max(65_536),
    transports: z.array(z.string().max(32)).max(10).optional(),
  }),
})

/** What a browser answers to request options. */
export const AuthenticationResponse = z.object({
  ...Common,
  response: z.object({
    clientDataJSON: Bytes.max(8_192),
    authenticatorData: Bytes.max(8_192),
    signature: Bytes.max(8_192),
    userHandle: Bytes.max(128)
      .nullish()
      .transform((handle) => handle ?? undefined),
  }),
})
