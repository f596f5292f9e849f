export interface StopSignal {
  readonly signal: AbortSignal
  /** Resolves when somebody asks this process to end. */
  readonly asked: Promise<void>
}

/**
 * Turns SIGINT and SIGTERM into a request to finish. A Ctrl-C may arrive twice, from the terminal and from a parent that
 * hands it on; only one that comes much later means “at once”.
 */
export function whenStopped(): StopSignal {
  const controller = new AbortController()
  let firstAt = 0
  const asked = new Promise<void>((resolve) => {
    const ask = () => {
      if (firstAt === 0) {
        firstAt = Date.now()
        controller.abort()
        resolve()
      } else if (Date.now() - firstAt > impatience) process.exit(130)
    }
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, ask)
  })
  return { signal: controller.signal, asked }
}

const impatience = 2_000
