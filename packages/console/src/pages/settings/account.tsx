import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { useMe } from '../../app/session.ts'
import { chooseTheme, useTheme } from '../../app/theme.ts'
import { Field, Segments } from '../../ui/field.tsx'
import { Form } from '../../ui/form.tsx'
import { KeyValues } from '../../ui/key-values.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { PasskeysPanel } from './passkeys-panel.tsx'
import { SettingsTabs } from './settings-tabs.tsx'
import { TotpPanel } from './totp-panel.tsx'

export function AccountPage() {
  const me = useMe()
  const theme = useTheme()
  const refresh = useRefresh()
  return (
    <Page title="Settings" tabs={<SettingsTabs />}>
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 lg:grid-cols-2">
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
          <Panel title="You" padded>
            <KeyValues
              items={[
                ['Name', me.user.name],
                ['E-mail', me.user.email],
                ['Organisation', me.organisation.name],
              ]}
            />
          </Panel>
          <Panel title="Theme" padded>
            <Segments
              label="Theme"
              value={theme}
              onChange={chooseTheme}
              options={[
                { value: 'system', label: 'System' },
                { value: 'light', label: 'Light' },
                { value: 'dark', label: 'Dark' },
              ]}
            />
          </Panel>
          <Panel title="Password" padded>
            <Form
              submit="Change the password"
              send={async (data) => {
                await client.session.changePassword({
                  body: { current: String(data.get('current') ?? ''), next: String(data.get('next') ?? '') },
                })
                await refresh(['session'], 'Password changed; other sessions have ended')
              }}
            >
              <Field name="current" label="Present password" type="password" required autoComplete="current-password" />
              <Field
                name="next"
                label="New password"
                type="password"
                required
                minLength={12}
                autoComplete="new-password"
                hint="At least 12 characters. Your other sessions end."
              />
            </Form>
          </Panel>
        </div>
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
          <TotpPanel />
          <PasskeysPanel />
        </div>
      </div>
    </Page>
  )
}
