"use strict";

// Shows openapi.json. Text goes into the page as text only, never as markup.
const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child != null && child !== ""));
  return element;
};

const anchor = (ref) => "schema-" + ref.split("/").slice(3).join("-").replaceAll("$", "");
const last = (ref) => ref.split("/").pop();

// What a schema is, in a few words, with links to the schemas it names.
const typeOf = (schema) => {
  if (!schema || schema === true) return "anything";
  if (schema.$ref) return make("a", { href: "#" + anchor(schema.$ref) }, last(schema.$ref));
  const types = [schema.type ?? "anything"].flat().filter((type) => type !== "null");
  const words = make("span", {});
  if (types.includes("array")) words.append("list of ", typeOf(schema.items));
  else if (schema.additionalProperties && typeof schema.additionalProperties === "object") words.append("map to ", typeOf(schema.additionalProperties));
  else words.append(types.join(" or "));
  if (schema.format) words.append(` (${schema.format})`);
  if (schema.enum) words.append(": " + schema.enum.join(", "));
  if (schema.default !== undefined) words.append(`; default ${schema.default}`);
  return words;
};

const table = (rows) => make("table", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell)))));

const fields = (schema) => {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([name, of]) => [
    make("span", {}, make("code", {}, name), required.has(name) ? make("span", { class: "dim" }, " required") : ""),
    make("span", {}, typeOf(of), of.description ? make("div", { class: "dim" }, of.description) : ""),
  ]);
  return rows.length ? table(rows) : make("p", {}, typeOf(schema));
};

const operation = (method, path, of) => {
  const section = make("section", { id: of.operationId }, make("h3", {}, of.summary ?? of.operationId),
    make("p", {}, make("span", { class: "method" }, method.toUpperCase()), make("code", {}, path)), make("p", {}, of.description ?? ""));
  if (of.parameters?.length) {
    section.append(table(of.parameters.map((parameter) => [
      make("span", {}, make("code", {}, parameter.name), make("span", { class: "dim" }, ` ${parameter.in}${parameter.required ? ", required" : ""}`)),
      make("span", {}, typeOf(parameter.schema), make("div", { class: "dim" }, parameter.description ?? "")),
    ])));
  }
  const body = of.requestBody?.content?.["application/json"]?.schema;
  if (body) section.append(make("p", {}, "Body: ", typeOf(body)));
  section.append(table(Object.entries(of.responses).sort().map(([status, response]) => {
    const [type, content] = Object.entries(response.content ?? {})[0] ?? [];
    return [make("code", {}, status), make("span", {}, response.description, content ? ": " : "", content ? typeOf(content.schema) : "",
      type && type !== "application/json" ? make("span", { class: "dim" }, ` as ${type}`) : "")];
  })));
  return section;
};

const show = (api) => {
  const main = document.getElementById("reference");
  const contents = document.getElementById("contents");
  main.replaceChildren(make("h1", {}, `${api.info.title} API`), ...(api.info.description ?? "").split("\n\n").map((text) => make("p", {}, text)),
    make("p", {}, make("a", { href: "openapi.json" }, "openapi.json")));
  for (const tag of api.tags ?? []) {
    main.append(make("h2", {}, tag.name), make("p", {}, tag.description ?? ""));
    contents.append(make("h2", {}, tag.name));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const [method, of] of Object.entries(item)) {
        if (!of.tags?.includes(tag.name)) continue;
        main.append(operation(method, path, of));
        contents.append(make("a", { href: "#" + of.operationId }, of.summary));
      }
    }
  }
  main.append(make("h2", {}, "schemas"));
  contents.append(make("h2", {}, "schemas"));
  const schema = (name, ref, of) => {
    main.append(make("section", { id: anchor(ref) }, make("h3", {}, name), make("p", {}, of.description ?? ""), fields(of)));
    for (const [inner, below] of Object.entries(of.$defs ?? {})) schema(inner, `${ref}/$defs/${inner}`, below);
  };
  for (const [name, of] of Object.entries(api.components.schemas)) {
    schema(name, "#/components/schemas/" + name, of);
    contents.append(make("a", { href: "#schema-" + name }, name));
  }
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
};

fetch("openapi.json").then((answer) => answer.ok ? answer.json() : Promise.reject(new Error(`openapi.json: ${answer.status}`))).then(show)
  .catch((error) => document.getElementById("reference").replaceChildren(make("p", {}, String(error))));
