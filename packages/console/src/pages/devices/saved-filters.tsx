import { Bookmark } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { Menu } from '../../ui/menu.tsx'

interface Saved {
  readonly name: string
  readonly filter: string
}

const place = 'holdfast.filters'
const most = 50

function read(): Saved[] {
  try {
    const saved: unknown = JSON.parse(localStorage.getItem(place) ?? '[]')
    return Array.isArray(saved) ? saved.filter(isSaved).slice(0, most) : []
  } catch {
    return []
  }
}

function isSaved(value: unknown): value is Saved {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('filter' in value)) return false
  return typeof value.name === 'string' && typeof value.filter === 'string'
}

/** Filters that this browser remembers. */
export function SavedFilters({ current, onChoose }: { current: string; onChoose: (filter: string) => void }) {
  const [saved, setSaved] = useState(read)
  const [naming, setNaming] = useState(false)
  function keep(next: Saved[]): void {
    setSaved(next)
    localStorage.setItem(place, JSON.stringify(next))
  }
  const same = saved.find((one) => one.filter === current)
  return (
    <>
      <Menu
        label="Saved filters"
        trigger={<Button icon={Bookmark}>Saved</Button>}
        items={[
          ...saved.map((one) => ({
            label: one.name,
            checked: one.filter === current,
            onSelect: () => onChoose(one.filter),
          })),
          ...(saved.length > 0 ? (['line'] as const) : []),
          same === undefined
            ? {
                label: 'Save this filter…',
                disabled: current === '' || saved.length >= most,
                onSelect: () => setNaming(true),
              }
            : {
                label: `Forget “${same.name}”`,
                danger: true,
                onSelect: () => keep(saved.filter((one) => one !== same)),
              },
        ]}
      />
      <Dialog open={naming} onClose={() => setNaming(false)} title="Save this filter" description={current}>
        <Form
          submit="Save"
          onCancel={() => setNaming(false)}
          done={() => setNaming(false)}
          send={async (data) => {
            const name = text(data, 'name')
            keep([...saved.filter((one) => one.name !== name), { name, filter: current }])
          }}
        >
          <Field name="name" label="Name" required maxLength={60} autoFocus hint="Kept in this browser." />
        </Form>
      </Dialog>
    </>
  )
}
