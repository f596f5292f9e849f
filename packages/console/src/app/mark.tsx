export function Mark() {
  return (
    <span className="flex items-center gap-2 text-base font-semibold tracking-tight">
      <svg aria-hidden="true" viewBox="0 0 32 32" className="size-6">
        <rect width="32" height="32" rx="7" className="fill-accent" />
        <path
          d="M11 7.5v17M21 7.5v17M11 16h10"
          className="stroke-accent-ink"
          strokeWidth="3.4"
          strokeLinecap="round"
          fill="none"
        />
      </svg>
      Holdfast
    </span>
  )
}
