import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsTables } from './reference.ts';
import { kubernetesSettings } from './settings.ts';

test('every setting has a row with a meaning', () => {
  const { settings = '' } = settingsTables();
  for (const name of Object.keys(kubernetesSettings.shape)) {
    assert.match(settings, new RegExp(`^\\| \`${name}\` \\| .+ \\| .* \\| .{10,} \\|$`, 'm'));
  }
});

test('what can be written is said in words', () => {
  const { settings = '', volume = '' } = settingsTables();
  assert.match(settings, /^\| `memory` \| amount \(`64Gi`, `500m`\), null \| `null` \|/m);
  assert.match(
    settings,
    /^\| `artifacts` \| \{ source: \{ persistentVolumeClaim: name \}, \{ hostPath: absolute path \}; /m,
  );
  assert.match(volume, /^\| `readOnly` \| `true`, `false` \| `true` \|/m);
});
