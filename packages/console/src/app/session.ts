import type { Permission } from '@holdfast/protocol'
import { useSuspenseQuery } from '@tanstack/react-query'
import type { Me } from '../api/client.ts'
import { ask } from '../api/questions.ts'

/** Who is signed in; the shell has asked before anything below it is drawn. */
export function useMe(): Me {
  return useSuspenseQuery(ask.me()).data
}

/** Whether the signed-in person may do something, at least somewhere. The server decides; this only spares useless buttons. */
export function useMay(): (permission: Permission) => boolean {
  const { permissions } = useMe()
  return (permission) => permissions.some((held) => held.permission === permission)
}
