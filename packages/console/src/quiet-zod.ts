import { z } from 'zod'

/** Zod tries to compile its checks with `new Function`, which the server's policy forbids and the browser reports. */
z.config({ jitless: true })
