import type { Permission } from '@holdfast/protocol'
import type { LinkProps } from '@tanstack/react-router'
import {
  Boxes,
  Gauge,
  Layers,
  type LucideIcon,
  Package,
  Rocket,
  ScrollText,
  Settings,
  SquareStack,
  Users,
} from 'lucide-react'

export interface Place {
  readonly label: string
  readonly to: NonNullable<LinkProps['to']>
  readonly icon: LucideIcon
  /** Pressed after `g`. */
  readonly key: string
  readonly needs?: Permission
}

export const places: readonly Place[] = [
  { label: 'Overview', to: '/', icon: Gauge, key: 'o', needs: 'devices.read' },
  { label: 'Devices', to: '/devices', icon: Boxes, key: 'd', needs: 'devices.read' },
  { label: 'Groups', to: '/groups', icon: SquareStack, key: 'g', needs: 'devices.read' },
  { label: 'Products', to: '/products', icon: Layers, key: 'p', needs: 'products.read' },
  { label: 'Releases', to: '/releases', icon: Package, key: 'r', needs: 'releases.read' },
  { label: 'Deployments', to: '/deployments', icon: Rocket, key: 'y', needs: 'deployments.read' },
  { label: 'Audit', to: '/audit', icon: ScrollText, key: 'a', needs: 'audit.read' },
  { label: 'People', to: '/people', icon: Users, key: 'u', needs: 'people.read' },
  { label: 'Settings', to: '/settings', icon: Settings, key: 's' },
]
