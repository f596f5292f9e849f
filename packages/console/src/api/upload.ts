import { Fault } from '@holdfast/kernel'
import { apiPrefix } from '@holdfast/protocol'
import { csrfHeader } from './transport.ts'

export interface UploadProgress {
  readonly sent: number
  readonly of: number
}

/**
 * Streams a file from disk to the server: XMLHttpRequest, because fetch tells nothing of what was sent, and because the
 * browser reads the file as it goes, so that 2 GiB need no memory.
 */
export function uploadArtifact(
  release: string,
  file: File,
  onProgress: (progress: UploadProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('PUT', `${apiPrefix}/releases/${release}/artifacts/${encodeURIComponent(file.name)}`)
    request.setRequestHeader('content-type', 'application/octet-stream')
    request.setRequestHeader(csrfHeader, '1')
    request.upload.onprogress = (event) => onProgress({ sent: event.loaded, of: event.total })
    request.onload = () => (request.status < 300 ? resolve() : reject(faultOf(request)))
    request.onerror = () =>
      reject(new Fault('unavailable', 'console.unreachable', 'the connection was cut while uploading'))
    request.onabort = () => reject(new Fault('conflict', 'console.cancelled', 'the upload was cancelled'))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}

function faultOf(request: XMLHttpRequest): Fault {
  try {
    const { error, code, at } = JSON.parse(request.responseText) as { error: string; code: string; at?: string }
    return new Fault('refused', code, error, at === undefined ? {} : { at })
  } catch {
    return new Fault('unavailable', 'client.unexpected_answer', `the server answered ${String(request.status)}`)
  }
}

/** Offers what an operation answers as a file; the browser streams it with the session's cookie. */
export function downloadHref(path: string): string {
  return apiPrefix + path
}
