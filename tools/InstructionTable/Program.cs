using Bulkhead.Tools.InstructionTable;
using Iced.Intel;

// Writes instructions.tsv and InstructionTable.g.cs; with --check only says whether they are what it would write.
bool check = args.Contains("--check");
string root = AppContext.BaseDirectory;
while (!File.Exists(Path.Combine(root, "Bulkhead.slnx")))
{
    root = Path.GetDirectoryName(root) ?? throw new DirectoryNotFoundException("Run inside the source tree.");
}

var overrides = Overrides.Load(Path.Combine(root, "tools/InstructionTable/overrides.txt"));
var builder = new RowBuilder(overrides);
List<Row> rows = [.. Enum.GetValues<Code>().Select(builder.Build).OfType<Row>()];
foreach (string message in overrides.Unused())
{
    Console.Error.WriteLine($"overrides.txt: {message}");
}

int differences = overrides.Unused().Count();
string folder = Path.Combine(root, "src/Bulkhead.X86/Instructions");
foreach ((string name, string text) in new[] { ("instructions.tsv", TsvWriter.Write(rows)), ("InstructionTable.g.cs", CSharpWriter.Write(rows)) })
{
    string path = Path.Combine(folder, name);
    if (!check)
    {
        File.WriteAllText(path, text);
    }
    else if (!File.Exists(path) || File.ReadAllText(path) != text)
    {
        Console.Error.WriteLine($"{name} is not what tools/InstructionTable writes; run it and commit.");
        differences++;
    }
}

Console.WriteLine($"{rows.Count} rows: {string.Join(", ", rows.GroupBy(r => r.Class).Select(g => $"{g.Key} {g.Count()}"))}");
return differences == 0 ? 0 : 1;
