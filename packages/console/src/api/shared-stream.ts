import { apiPrefix } from '@holdfast/protocol'

export type LiveState = 'live' | 'reconnecting'

interface Listener {
  onState(state: LiveState): void
  /** One event of the server, as it came. */
  onEvent(data: string): void
}

type Message = { readonly ask: true } | { readonly state: LiveState } | { readonly event: string }

const name = 'holdfast.events'
const reopenAfter = 5_000

/**
 * One stream of events for all tabs of a browser: over HTTP/1.1 a browser opens six connections to a server, and seven
 * tabs with a stream each would stand still. The tab that holds the lock reads the stream and tells the others; when it
 * closes, the next one takes over. Answers how to stop.
 */
export function shareStream(listener: Listener): () => void {
  const channel = new BroadcastChannel(name)
  const gone = new AbortController()
  const tell = (message: Message): void => {
    if (!gone.signal.aborted) channel.postMessage(message)
  }
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if ('state' in data) listener.onState(data.state)
    if ('event' in data) listener.onEvent(data.event)
  }
  tell({ ask: true })
  navigator.locks
    .request(name, { signal: gone.signal }, () => lead(channel, tell, listener, gone.signal))
    .catch((thrown: unknown) => {
      if (!gone.signal.aborted) throw thrown
    })
  return () => {
    gone.abort()
    channel.close()
  }
}

/** Reads the stream for everybody until this tab stops. */
function lead(
  channel: BroadcastChannel,
  tell: (message: Message) => void,
  listener: Listener,
  gone: AbortSignal,
): Promise<void> {
  let state: LiveState = 'reconnecting'
  const become = (next: LiveState): void => {
    state = next
    listener.onState(next)
    tell({ state })
  }
  let source: EventSource | undefined
  let again: number | undefined
  const open = (): void => {
    source = new EventSource(`${apiPrefix}/events`)
    source.onopen = () => become('live')
    source.onmessage = ({ data }: MessageEvent<string>) => {
      listener.onEvent(data)
      tell({ event: data })
    }
    source.onerror = () => {
      become('reconnecting')
      // The browser tries again by itself after a cut, but not after an answer such as 503.
      if (source?.readyState === EventSource.CLOSED) again = window.setTimeout(open, reopenAfter)
    }
  }
  // What happened between the last reader and this one was read by nobody: every tab asks anew once the stream is open.
  become('reconnecting')
  open()
  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if ('ask' in data) tell({ state })
  })
  return new Promise((resolve) => {
    gone.addEventListener('abort', () => {
      source?.close()
      window.clearTimeout(again)
      resolve()
    })
  })
}
