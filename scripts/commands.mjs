import { Plugin, settings } from '@oclif/core';

/**
 * The built commands with their flags, read from dist/ itself: a manifest may be older than what is in dist/.
 * @returns the package's description and the manifest
 */
export async function loadCommands(root) {
  settings.enableAutoTranspile = false;
  const plugin = new Plugin({
    root,
    isRoot: true,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  });
  await plugin.load();
  return { pjson: plugin.pjson, manifest: plugin.manifest };
}
