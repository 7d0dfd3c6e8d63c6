// Finds a program that tests and benchmarks need: on PATH, or from the packages of Debian or Ubuntu, unpacked into
// `.cache` so that nothing is installed, no service is started and no root is needed.

import { access, chmod, constants, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join, relative } from "node:path";
import { root } from "./paths.mjs";
import { run } from "./run.mjs";

const cache = join(root, ".cache");

/**
 * @param {{ names: string[], package: string, unpacked: string }} need names on PATH; the apt package, and where
 *   in it the program is
 * @returns {Promise<{ path: string } | { missing: string }>}
 */
export async function findProgram(need) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of need.names) {
      if (folder && (await isRunnable(join(folder, name)))) return { path: join(folder, name) };
    }
  }
  const wanted = need.names.join(" or ");
  if (process.platform !== "linux" || !(await isRunnable("/usr/bin/apt-get"))) {
    return { missing: `${wanted} is not on PATH, and only Debian and Ubuntu packages can be fetched` };
  }
  const path = join(cache, need.package, "run");
  if (await works(path)) return { path };
  const problem = await fetchPackage(need);
  if (!problem && (await works(path))) return { path };
  return {
    missing: `${wanted} is not on PATH, and could not be fetched with apt: ${problem ?? "it does not run"}`,
  };
}

async function isRunnable(path) {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function works(path) {
  return (await isRunnable(path)) && (await run(path, ["--version"])).code === 0;
}

/** Unpacks the package and what it needs beside its place, then renames: nobody sees half of it. */
async function fetchPackage(need) {
  console.error(`fetching ${need.package} with apt …`);
  const draft = join(cache, `${need.package}.${process.pid}`);
  const goal = join(cache, need.package);
  try {
    await mkdir(join(draft, "debs"), { recursive: true });
    const apt = await privateApt(join(draft, "apt"));
    await check(run("apt-get", [...apt, "update"]));
    const plan = await check(
      run("apt-get", [...apt, "install", "--simulate", "--no-install-recommends", need.package]),
    );
    const packages = [...plan.matchAll(/^Inst (\S+) .*?\((\S+)/gm)].map(
      ([, name, version]) => `${name}=${version}`,
    );
    if (packages.length === 0) packages.push(need.package);
    await check(run("apt-get", [...apt, "download", ...packages], { cwd: join(draft, "debs") }));
    for (const deb of await readdir(join(draft, "debs"))) {
      await check(run("dpkg", ["-x", join(draft, "debs", deb), draft]));
    }
    await Promise.all(["apt", "debs"].map((folder) => rm(join(draft, folder), { recursive: true })));
    await writeLauncher(draft, goal, need.unpacked);
    await rm(goal, { recursive: true, force: true });
    await rename(draft, goal);
    return undefined;
  } catch (error) {
    return error.message;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Package lists of our own: those of the system may be missing or old, and only root could refresh them. */
async function privateApt(state) {
  await mkdir(join(state, "lists", "partial"), { recursive: true });
  await mkdir(join(state, "archives", "partial"), { recursive: true });
  return [
    "-qq",
    "-o",
    "Debug::NoLocking=1",
    "-o",
    "APT::Sandbox::User=",
    "-o",
    `Dir::State::Lists=${join(state, "lists")}`,
    "-o",
    `Dir::Cache=${state}`,
  ];
}

/** A script that runs the unpacked program with the libraries unpacked beside it. */
async function writeLauncher(draft, goal, program) {
  const libraries = (await libraryFolders(draft)).map((folder) => join(goal, folder)).join(":");
  const lines = [
    "#!/bin/sh",
    `export LD_LIBRARY_PATH='${libraries}'`,
    `[ -d /etc/fonts ] || export FONTCONFIG_FILE='${join(goal, "fonts.conf")}'`,
    `exec '${join(goal, program)}' "$@"`,
  ];
  await writeFile(join(draft, "run"), `${lines.join("\n")}\n`);
  await chmod(join(draft, "run"), 0o755);
  const fonts = `<dir>${join(goal, "usr/share/fonts")}</dir><cachedir>${join(goal, "fonts.cache")}</cachedir>`;
  await writeFile(join(draft, "fonts.conf"), `<?xml version="1.0"?>\n<fontconfig>${fonts}</fontconfig>\n`);
}

/** Every folder with a library in it: some packages keep theirs one level down and count on an absolute path. */
async function libraryFolders(draft) {
  const entries = await readdir(draft, { recursive: true, withFileTypes: true });
  const libraries = entries.filter(({ name }) => /\.so(\.|$)/.test(name));
  return [...new Set(libraries.map(({ parentPath }) => relative(draft, parentPath)))];
}

async function check(running) {
  const { code, output } = await running;
  if (code === 0) return output;
  throw new Error(output.trim().split("\n").at(-1) || `exit code ${code}`);
}
