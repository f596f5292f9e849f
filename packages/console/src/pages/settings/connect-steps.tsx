import type { Answer, operations } from '@holdfast/protocol'
import type { ReactNode } from 'react'
import { Copyable } from '../../ui/copyable.tsx'
import { Verbatim } from '../../ui/scroll-region.tsx'

type ServerFacts = Answer<(typeof operations)['system']['server']>

function Steps({ children }: { children: ReactNode }) {
  return <ol className="grid list-decimal gap-3 pl-5 marker:text-muted">{children}</ol>
}

function Snippet({ label, children }: { label: string; children: string }) {
  return (
    <div className="mt-1.5 grid gap-1">
      <Verbatim label={label}>{children}</Verbatim>
      <span className="justify-self-end">
        <Copyable value={children} short={0} label={label} />
      </span>
    </div>
  )
}

/** Facts: mender-client 3.x reads `/etc/mender/mender.conf`. */
export function MenderSteps({ of, tenantToken }: { of: ServerFacts; tenantToken?: string }) {
  const settings = {
    ServerURL: of.deviceUrl,
    ...(tenantToken === undefined ? {} : { TenantToken: tenantToken }),
    ServerCertificate: '/etc/mender/holdfast-ca.pem',
    ArtifactVerifyKey: '/etc/mender/artifact-verify-key.pem',
    UpdatePollIntervalSeconds: 1800,
    InventoryPollIntervalSeconds: 28800,
  }
  return (
    <Steps>
      <li>
        <AuthorityDownload of={of} /> and put it on the device as <code>/etc/mender/holdfast-ca.pem</code>.
      </li>
      <li>
        Write <code>/etc/mender/mender.conf</code>:
        <Snippet label="mender.conf">{JSON.stringify(settings, null, 2)}</Snippet>
      </li>
      <li>
        Restart the client. It makes its key, asks to be authorised, and appears here as <em>pending</em>. Accept it
        once.
      </li>
    </Steps>
  )
}

/** Facts: SWUpdate’s suricatta mode with the hawkBit backend reads `swupdate.cfg`. */
export function SwupdateSteps({ of, tenant = 'default' }: { of: ServerFacts; tenant?: string }) {
  const url = new URL(of.ddiUrl)
  const settings = `suricatta :
{
  tenant      = "${tenant}";
  id          = "my-device";
  url         = "${url.origin}";
  cafile      = "/etc/swupdate/holdfast-ca.pem";
  targettoken = "…";
  polldelay   = 300;
};`
  return (
    <Steps>
      <li>Preauthorise the device by its controller id and let Holdfast make its target token; it is shown once.</li>
      <li>
        <AuthorityDownload of={of} /> and put it on the device as <code>/etc/swupdate/holdfast-ca.pem</code>.
      </li>
      <li>
        Write <code>/etc/swupdate/swupdate.cfg</code>:<Snippet label="swupdate.cfg">{settings}</Snippet>
      </li>
      <li>
        Start SWUpdate with <code>-f /etc/swupdate/swupdate.cfg -u ""</code> and the certificate that verifies your
        images (<code>-k</code>). The device appears here as <em>accepted</em> at its first call.
      </li>
    </Steps>
  )
}

export function AuthorityDownload({ of }: { of: ServerFacts }) {
  const href = `data:application/x-pem-file;charset=utf-8,${encodeURIComponent(of.authority)}`
  return (
    <a href={href} download="holdfast-ca.pem" className="link w-fit">
      Download the certificate authority
    </a>
  )
}
