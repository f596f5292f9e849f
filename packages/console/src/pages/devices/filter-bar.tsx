import { Fault } from '@holdfast/kernel'
import { useQuery } from '@tanstack/react-query'
import { Filter, X } from 'lucide-react'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { ask } from '../../api/questions.ts'
import { IconButton } from '../../ui/button.tsx'
import { classes } from '../../ui/class-names.ts'
import { valueText as shown } from '../../ui/format.ts'
import { type Completion, completionAt, faultColumn, type Suggestion, suggestionsFor } from './filter-language.ts'

interface FilterBarProps {
  value: string
  /** Called with what was written, when it is confirmed with Enter or chosen whole. */
  onApply: (filter: string) => void
  /** Called at every stroke, for forms that take the text as it stands. */
  onType?: (filter: string) => void
  fault: unknown
  label?: string
}

/** Where a condition on devices is written: completes attributes, operators and values; shows where the server sees a fault. */
export function FilterBar({ value, onApply, onType, fault, label = 'Filter devices' }: FilterBarProps) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(value)
  const [completion, setCompletion] = useState<Completion>()
  const [chosen, setChosen] = useState(-1)
  useEffect(() => setText(value), [value])
  const suggestions = useSuggestions(completion)
  const open = completion !== undefined && suggestions.length > 0

  function type(next: string, caret: number): void {
    setText(next)
    onType?.(next)
    setCompletion(completionAt(next, caret))
    setChosen(-1)
  }
  function take(suggestion: Suggestion): void {
    if (completion === undefined) return
    const insert = `${suggestion.text} `
    const next = text.slice(0, completion.from) + insert + text.slice(completion.to).trimStart()
    const caret = completion.from + insert.length
    type(next, caret)
    requestAnimationFrame(() => input.current?.setSelectionRange(caret, caret))
  }
  function onKey(event: KeyboardEvent): void {
    const suggestion = suggestions[chosen]
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (!open) {
        setCompletion(completionAt(text, input.current?.selectionStart ?? text.length))
        return
      }
      event.preventDefault()
      const step = event.key === 'ArrowDown' ? 1 : -1
      setChosen((chosen + step + suggestions.length + (chosen < 0 && step < 0 ? 1 : 0)) % suggestions.length)
    } else if ((event.key === 'Enter' || event.key === 'Tab') && open && suggestion !== undefined) {
      event.preventDefault()
      take(suggestion)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      setCompletion(undefined)
      onApply(text.trim())
    } else if (event.key === 'Escape' && open) {
      event.stopPropagation()
      setCompletion(undefined)
    }
  }
  const wrong = fault instanceof Fault && fault.code.startsWith('devices.filter') ? fault : undefined
  return (
    <div className="relative min-w-0 flex-1 max-sm:basis-full">
      <div className="relative flex items-center">
        <Filter aria-hidden className="pointer-events-none absolute left-2.5 size-4 text-faint" />
        <input
          ref={input}
          data-search
          value={text}
          role="combobox"
          aria-label={label}
          aria-expanded={open}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={chosen >= 0 ? `${id}-${String(chosen)}` : undefined}
          aria-invalid={wrong === undefined ? undefined : true}
          aria-describedby={wrong === undefined ? undefined : `${id}-fault`}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          placeholder="state = accepted and inventory.os < 2.9"
          className="input pr-9 pl-8 font-mono"
          onChange={(event) => type(event.target.value, event.target.selectionStart ?? event.target.value.length)}
          onFocus={() => text === '' && setCompletion(completionAt('', 0))}
          onClick={() => setCompletion(completionAt(text, input.current?.selectionStart ?? text.length))}
          onBlur={() => setCompletion(undefined)}
          onKeyDown={onKey}
        />
        {text !== '' && (
          <span className="absolute right-0.5">
            <IconButton
              name="Clear filter"
              icon={X}
              size="tiny"
              className="mr-1"
              onClick={() => {
                type('', 0)
                setCompletion(undefined)
                onApply('')
              }}
            />
          </span>
        )}
      </div>
      <div
        role="listbox"
        id={`${id}-list`}
        aria-label="Suggestions"
        className={classes(
          'panel absolute top-full left-0 z-20 mt-1 max-h-80 w-full max-w-md overflow-y-auto p-1 shadow-(--shadow)',
          !open && 'hidden',
        )}
      >
        {suggestions.map((suggestion, index) => (
          <div
            key={suggestion.text}
            role="option"
            tabIndex={-1}
            id={`${id}-${String(index)}`}
            aria-selected={index === chosen}
            // Before the field loses its focus.
            onMouseDown={(event) => {
              event.preventDefault()
              take(suggestion)
            }}
            className="flex min-h-7 cursor-pointer items-center gap-3 rounded px-2 hover:bg-raised aria-selected:bg-accent-soft"
          >
            <span className="min-w-0 flex-1 truncate font-mono text-xs">{suggestion.text}</span>
            <span className="shrink-0 text-xs text-muted">{suggestion.note}</span>
          </div>
        ))}
      </div>
      {wrong !== undefined && <FilterFault id={`${id}-fault`} fault={wrong} text={value} />}
    </div>
  )
}

/** The filter again, with a mark under the column where the server stopped understanding. */
function FilterFault({ id, fault, text }: { id: string; fault: Fault; text: string }) {
  const column = faultColumn(fault.at)
  return (
    <div id={id} role="alert" className="mt-1 rounded-md bg-failing-soft px-2.5 py-1.5 text-xs text-failing">
      {column !== undefined && (
        <pre aria-hidden className="overflow-x-auto pl-[22px] leading-tight">
          {text}
          {'\n'}
          {' '.repeat(column - 1)}^
        </pre>
      )}
      {fault.message}
      {column !== undefined && <span className="text-muted"> · column {column}</span>}
    </div>
  )
}

function useSuggestions(completion: Completion | undefined): Suggestion[] {
  const attributes = useQuery({ ...ask.attributes(), enabled: completion !== undefined })
  const wantsValues = completion?.expects === 'value' && completion.field !== undefined
  const facets = useQuery({ ...ask.facets(completion?.field ?? ''), enabled: wantsValues })
  if (completion === undefined) return []
  return suggestionsFor(completion, {
    attributes: attributes.data?.items ?? [],
    values: (facets.data?.items ?? []).map(({ value, devices }) => ({ text: shown(value), devices })),
  })
}
