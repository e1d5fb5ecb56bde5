using System.Diagnostics;
using Bulkhead.Images.Cpio;

namespace Bulkhead.Tools.Bench;

/// <summary>Adds the suite's files to an image's initial RAM disk: one archive after the other, which the kernel unpacks in turn.</summary>
internal static class GuestArchive
{
    private const uint Executable = 0x1ed;

    /// <summary>The first program of the guest: serves, or runs the command it is given and powers off.</summary>
    internal const string Init = "/bench/init";

    private const string InitScript = """
        #!/bin/sh
        export PATH=/bin:/usr/bin
        mount -t proc proc /proc
        mount -t sysfs sysfs /sys
        mount -t devtmpfs devtmpfs /dev
        mount -t tmpfs tmpfs /tmp
        stty -echo
        cd /bench
        if [ $# -eq 0 ]; then exec /bench/bench serve; fi
        # Changing a setting waits until the serial line has sent what is queued.
        /bench/bench "$@" && stty opost && poweroff -f

        """;

    /// <summary>Writes the RAM disk.</summary>
    /// <param name="initrd">The image's.</param>
    /// <param name="directory">Holds the guest program and what the programs read.</param>
    /// <param name="programs">Whose executables are to be there; those the host lacks are left out.</param>
    /// <param name="output">The file to write.</param>
    internal static void Write(string initrd, string directory, IEnumerable<Workload> programs, string output)
    {
        using FileStream stream = File.Create(output);
        using (FileStream image = File.OpenRead(initrd))
        {
            image.CopyTo(stream);
        }

        var archive = new CpioWriter(stream);
        var directories = new HashSet<string>();
        void AddFile(string path, ReadOnlySpan<byte> content, uint permissions)
        {
            string[] parts = path.Trim('/').Split('/');
            for (int i = 1; i < parts.Length; i++)
            {
                string name = string.Join('/', parts.Take(i));
                if (directories.Add(name))
                {
                    archive.AddDirectory(name);
                }
            }

            archive.AddFile(path.Trim('/'), content, permissions);
        }

        AddFile(Init, System.Text.Encoding.UTF8.GetBytes(InitScript), Executable);
        foreach (string file in Directory.EnumerateFiles(directory).Where(static f => !f.EndsWith(".o", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            AddFile($"/bench/{Path.GetFileName(file)}", File.ReadAllBytes(file), Executable);
        }

        IEnumerable<string> executables = programs.Where(p => p.Command is not null).Select(p => p.Command![0]);
        foreach (string file in Closure(executables.Concat(["/usr/bin/true", "/usr/bin/cat", "/usr/bin/wc", "/usr/bin/sort", "/usr/bin/head"])))
        {
            AddFile(file, File.ReadAllBytes(file), Executable);
        }

        archive.Finish();
    }

    /// <summary>The files that exist, the libraries they load, and Python's own modules.</summary>
    private static SortedSet<string> Closure(IEnumerable<string> executables)
    {
        var files = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string executable in executables.Where(File.Exists).Distinct())
        {
            _ = files.Add(executable);
            foreach (string word in Output("ldd", executable).Split([' ', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries))
            {
                if (word[0] == '/')
                {
                    _ = files.Add(word);
                }
            }

            if (executable.Contains("python", StringComparison.Ordinal))
            {
                files.UnionWith(Output("dpkg", "-L", "libpython3.11-minimal").Split('\n').Where(f => f.EndsWith(".py", StringComparison.Ordinal)));
            }
        }

        return files;
    }

    /// <summary>What a command prints; empty where it fails.</summary>
    internal static string Output(string command, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _ = process.StandardError.ReadToEndAsync();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? text : "";
    }
}
