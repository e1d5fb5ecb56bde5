namespace Bulkhead.Tools.Bench;

/// <summary>Debian's own programs, and what they are given to do; the files stand in <c>bench/programs</c>, and are made there.</summary>
internal static class Programs
{
    /// <summary>The packages the programs come in.</summary>
    internal static readonly string[] Packages =
        ["gzip", "xz-utils", "zstd", "tcc", "sqlite3", "perl-base", "python3.11-minimal", "lua5.4", "luajit", "mawk", "dash", "coreutils"];

    /// <summary>All of them.</summary>
    internal static readonly Workload[] All =
    [
        new("gzip", "integer", "gzip -6 of 8 MiB of text", ["/usr/bin/gzip", "-6", "-n", "-c", "text"]),
        new("xz", "integer", "xz -1 of 2 MiB of text", ["/usr/bin/xz", "-1", "-T1", "-c", "text.small"]),
        new("zstd", "integer", "zstd -5 of 8 MiB of text", ["/usr/bin/zstd", "-5", "-T1", "-q", "-c", "text"]),
        // It removes what stands where its output goes: /dev/null would be gone from the host.
        new("tcc", "integer", "Tiny C compiles 20,000 functions", ["/usr/bin/tcc", "-nostdinc", "-c", "functions.c", "-o", "functions.o"]),
        new("sqlite3", "integer", "SQLite fills, indexes and joins tables in memory", ["/usr/bin/sqlite3", ":memory:", ".read query.sql"]),
        new("python", "interpreters", "Python: words counted, a sieve, classes", ["/usr/bin/python3.11", "-I", "-S", "work.py"]),
        new("perl", "interpreters", "Perl: words counted, a sieve", ["/usr/bin/perl", "work.pl"]),
        new("lua", "interpreters", "Lua: tables, strings, closures", ["/usr/bin/lua5.4", "work.lua"]),
        new("awk", "interpreters", "mawk: words counted", ["/usr/bin/mawk", "-f", "work.awk", "text.small"]),
        new("sh", "interpreters", "dash: a loop of arithmetic", ["/usr/bin/dash", "loop.sh"]),
        new("luajit", "codegen", "LuaJIT: the same as lua, compiled as it runs", ["/usr/bin/luajit", "work.lua"]),
        new("commands", "system", "dash starts 240 small programs", ["/usr/bin/dash", "commands.sh"]),
    ];

    /// <summary>Writes what the programs read.</summary>
    internal static void WriteInputs(string directory)
    {
        string[] words = ["the", "translator", "of", "a", "guest", "keeps", "its", "registers", "where", "host", "has", "them", "and", "page"];
        ulong state = 1;
        int Next(int count) => (int)((state = (state * 6364136223846793005) + 1442695040888963407) >> 33) % count;
        using (StreamWriter text = File.CreateText(Path.Combine(directory, "text")))
        {
            for (int i = 0; i < 1_300_000; i++)
            {
                text.Write(Next(7) == 0 ? $"{Next(100000)}" : words[Next(words.Length)]);
                text.Write(i % 11 == 10 ? '\n' : ' ');
            }
        }

        File.WriteAllBytes(Path.Combine(directory, "text.small"), File.ReadAllBytes(Path.Combine(directory, "text"))[..(2 << 20)]);
        using StreamWriter functions = File.CreateText(Path.Combine(directory, "functions.c"));
        for (int i = 0; i < 20000; i++)
        {
            functions.WriteLine($"int f{i}(int a, int b) {{ int s = {i}; for (int i = a; i < b; i++) s += i * {i % 97} ^ (s >> {i % 13}); return s ? s : a / (b + 1); }}");
        }
    }
}
