import { Config, settings } from '@oclif/core';

/** The built commands with their flags, read from dist/ itself and not from a manifest. */
export async function loadCommands(root) {
  settings.enableAutoTranspile = false;
  const config = await Config.load({
    root,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  });
  const { manifest } = config.plugins.get(config.pjson.name);
  return { config, manifest, commands: config.commands };
}
