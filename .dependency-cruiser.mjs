// The import rules of the house: packages and domains import downwards only.
const layers = ['kernel', 'crypto|formats|protocol', 'trust|risk|detect', 'client|server|agent', 'cli']
const domains = ['audit', 'tenancy', 'products', 'devices', 'artifacts', 'deployments', 'configuration']
const tests = '[.]test[.]ts$|/tests/|/testing[.]ts$|[.]test-support[.]ts$'

const upwards = layers.flatMap((layer, level) => {
  const above = layers.slice(level + 1).join('|')
  return above === ''
    ? []
    : [
        {
          name: `${layer} imports downwards only`,
          severity: 'error',
          from: { path: `^packages/(${layer})/src/`, pathNot: tests },
          to: { path: `^packages/(${above}|console|lab)/` },
        },
      ]
})

const floors = domains.map((domain, level) => ({
  name: `the domain ${domain} calls only those below it`,
  severity: 'error',
  from: { path: `^packages/server/src/domains/${domain}/`, pathNot: tests },
  to: {
    path: `^packages/server/src/(gateways|app|main)|^packages/server/src/domains/(${domains.slice(level + 1).join('|') || 'none'})/`,
  },
}))

export default {
  forbidden: [
    {
      name: 'no cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...upwards,
    ...floors,
    {
      name: 'domains are entered through their index',
      severity: 'error',
      from: { path: '^packages/server/src/(domains/([^/]+)/|gateways/|platform/|[^/]+[.]ts)', pathNot: tests },
      to: { path: '^packages/server/src/domains/([^/]+)/(?!index[.]ts$)', pathNot: '^packages/server/src/domains/$2/' },
    },
    {
      name: 'the platform knows no domain',
      severity: 'error',
      from: { path: '^packages/server/src/platform/', pathNot: tests },
      to: { path: '^packages/server/src/(domains|gateways)/' },
    },
    {
      name: 'the console sees the client and pure packages only',
      severity: 'error',
      from: { path: '^packages/console/src/' },
      to: { path: '^packages/(crypto|formats|server|cli|lab|agent)/' },
    },
    {
      name: 'the lab is for tests, demos and figures',
      severity: 'error',
      from: { path: '^packages/(?!lab/)[^/]+/src/', pathNot: `${tests}|^packages/cli/src/quick-start/` },
      to: { path: '^packages/lab/' },
    },
    {
      name: 'every import resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(bun:|node:)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|node_modules)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.css'],
    },
  },
}
